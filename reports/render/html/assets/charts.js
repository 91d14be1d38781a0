'use strict';
/* Figures: a chart that is drawn once it is near, its summary, and its numbers as a table. */
const Charts = (() => {
  const PAPER_WIDTH = 680;
  const drawn = new Set();
  const waiting = new Set();
  let library = null;

  /** plotly.js is megabytes: it is loaded once a chart is near, and after everything else. */
  function loaded() {
    library ??= new Promise((resolve, reject) => {
      const script = Report.element('script', { src: 'assets/plotly.min.js' });
      script.addEventListener('load', resolve);
      script.addEventListener('error', reject);
      document.head.append(script);
    });
    return library;
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(`--${name}`).trim();
  }

  function traced(traces, colour) {
    return traces.map((trace) => {
      const own = colour(`chart-${trace.meta.role}`);
      const marker = { ...trace.marker, color: own };
      if (trace.type === 'scatter') marker.size ??= trace.meta.role === 'muted' ? 7 : 9;
      if (trace.type === 'box') Object.assign(marker, { size: 5, opacity: 0.65 });
      if (trace.meta.role === 'baseline') marker.symbol ??= 'diamond';
      return { ...trace, marker, line: { width: 1.5, ...trace.line, color: own } };
    });
  }

  function laidOut(figure, colour, width) {
    const axis = { gridcolor: colour('line'), linecolor: colour('line'), zerolinecolor: colour('line'), automargin: true };
    const small = width < 480;
    const merged = {
      height: figure.height,
      margin: { l: 48, r: 12, t: 36, b: 48 },
      paper_bgcolor: 'rgba(0,0,0,0)',
      plot_bgcolor: 'rgba(0,0,0,0)',
      font: { family: getComputedStyle(document.body).fontFamily, size: small ? 11 : 13, color: colour('text') },
      legend: { orientation: 'h', x: 0, y: 1, yanchor: 'bottom' },
      hoverlabel: { bgcolor: colour('surface'), bordercolor: colour('line'), font: { color: colour('text') }, namelength: -1 },
      dragmode: matchMedia('(pointer: coarse)').matches ? false : 'zoom',
      ...figure.layout,
      xaxis: { ...axis, ...figure.layout.xaxis },
      yaxis: { ...axis, ...figure.layout.yaxis },
    };
    merged.shapes = (merged.shapes ?? []).map((shape) => ({ ...shape, line: { ...shape.line, color: colour('muted') } }));
    return merged;
  }

  function draw(plot) {
    waiting.delete(plot);
    if (!plot.target.isConnected) return;
    const colour = colours();
    const printing = document.documentElement.classList.contains('printing');
    const layout = laidOut(plot.figure, colour, printing ? PAPER_WIDTH : plot.target.clientWidth);
    if (printing) layout.width = PAPER_WIDTH;
    Plotly.react(plot.target, traced(plot.figure.traces, colour), layout, { responsive: true, displayModeBar: false });
    drawn.add(plot);
  }

  function redrawn() {
    for (const plot of [...drawn]) {
      if (plot.target.isConnected) draw(plot);
      else drawn.delete(plot);
    }
  }

  function planned(plot) {
    waiting.add(plot);
    Report.whenNear(plot.target, () => {
      loaded().then(() => draw(plot)).catch(() => {
        plot.target.replaceChildren('The chart cannot be drawn: assets/plotly.min.js is missing. Its numbers are below.');
      });
    });
  }

  function numbers(figure) {
    const details = Report.element('details', {}, Report.element('summary', {}, `Numbers: ${figure.title}`));
    function fill() {
      if (details.children.length > 1) return;
      details.append(Report.table(`Numbers: ${figure.title}`, figure.header, figure.rows, figure.left));
    }
    details.addEventListener('toggle', fill);
    details.addEventListener('fill', fill);
    return details;
  }

  /** A figure's element. */
  function figure(one) {
    const target = Report.element('div', { class: 'plot', role: 'img', 'aria-label': `${one.title}: ${one.summary}` });
    target.style.minHeight = `${one.height}px`;
    planned({ target, figure: one });
    return Report.element('figure', {},
      Report.element('figcaption', {}, Report.element('h3', {}, one.title), Report.element('p', {}, one.summary)),
      target, numbers(one));
  }

  /** Fill a container with figures; with a label, with a choice between them. */
  function fill(container, figures, label) {
    if (!label || figures.length < 2) {
      container.replaceChildren(...figures.map(figure));
      return;
    }
    const select = Report.element('select', {}, ...figures.map((one, at) => Report.element('option', { value: at }, one.title)));
    const place = Report.element('div');
    const words = label[0].toUpperCase() + label.slice(1);
    const show = () => place.replaceChildren(figure(figures[Number(select.value)]));
    select.addEventListener('change', show);
    container.replaceChildren(Report.element('div', { class: 'controls' }, Report.element('label', {}, `${words} `, select)), place);
    show();
  }

  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redrawn);
  addEventListener('beforeprint', () => {
    if (!('Plotly' in window)) return;
    for (const plot of [...waiting]) draw(plot);
    redrawn();
  });
  addEventListener('afterprint', redrawn);
  // So that a page that is printed unseen has its charts.
  addEventListener('load', () => (window.requestIdleCallback ?? setTimeout)(() => waiting.size && loaded().catch(() => {})));

  for (const container of document.querySelectorAll('.charts[data-block]')) {
    fill(container, Report.data(container.dataset.block), container.dataset.choose);
  }
  return { fill };
})();
