'use strict';
/* One metric of one cell over the stored runs, with the runs marked where software changed. */
(() => {
  const data = Report.data('data-trends');
  if (!data) return;
  const cellChoice = document.getElementById('trend-cell');
  const metricChoice = document.getElementById('trend-metric');
  const MEGABYTE = 1e6;

  /** The values of a series by run: pairs of value and number of runs, after the first run. */
  function unfolded(folded) {
    const values = new Map();
    let run = folded[0];
    for (let at = 1; at < folded.length; at += 2) {
      for (let same = 0; same < folded[at + 1]; same += 1, run += 1) {
        if (folded[at] !== null) values.set(run, folded[at]);
      }
    }
    return values;
  }

  /** A value with its unit, as reports/records/units.py words it; a test holds the two together. */
  function quantity(value, unit) {
    const fixed = (number, digits) => number.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
    if (unit === 'B') return `${fixed(value / MEGABYTE, 1)} MB`;
    if (unit === 's' && value >= 0.1) return `${value.toFixed(value >= 10 ? 2 : 3)} s`;
    if (unit === 's') return `${(value * 1e3).toFixed(value > 0 && value < 1e-3 ? 3 : 1)} ms`;
    if (!unit && Number.isInteger(value)) return fixed(value, 0);
    return `${threeDigits(value)} ${unit}`.trimEnd();
  }

  /** Python's `.3g`. */
  function threeDigits(value) {
    const [digits, exponent] = value.toExponential(2).split('e').map(Number);
    if (value === 0 || (exponent >= -4 && exponent < 3)) return String(Number(value.toPrecision(3)));
    return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }

  function figure(series) {
    const [name, unit] = data.metrics[series.metric];
    const values = unfolded(series.values);
    const runs = [...values.keys()];
    const scale = unit === 'B' ? MEGABYTE : 1;
    const software = new Map(series.software.map(([run, text]) => [run, data.texts[text]]));
    const changes = new Map(series.changes);
    const said = (run) => [data.runs[run][0].slice(0, 16).replace('T', ' '), data.runs[run][1].slice(0, 12)];
    // plotly.js reads a few tags and entities in every label.
    const plain = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    const trace = (label, role, chosen, more) => ({
      type: 'scatter',
      name: label,
      meta: { role },
      x: chosen.map((run) => data.runs[run][0]),
      y: chosen.map((run) => values.get(run) / scale),
      text: chosen.map((run) => plain([quantity(values.get(run), unit), ...said(run), software.get(run) ?? ''].join(' '))),
      hoverinfo: 'text',
      ...more,
    });
    const traces = [trace('a run', 'run', runs, { mode: 'lines+markers', marker: { size: 5 } })];
    const changed = runs.filter((run) => changes.has(run));
    if (changed.length) traces.push(trace('a change was found', 'baseline', changed, { mode: 'markers', marker: { size: 12 } }));
    const marked = runs.filter((run) => software.has(run));
    const shapes = marked.map((run) => ({
      type: 'line', x0: data.runs[run][0], x1: data.runs[run][0], y0: 0, y1: 1, yref: 'paper', line: { dash: 'dot', width: 1 },
    }));
    const found = ['no change was', '1 change was'][changed.length] ?? `${changed.length} changes were`;
    const lines = marked.length ? ` Dotted lines: software changed (${marked.length}).` : ' Software did not change.';
    return {
      title: `${name}${series.label ? ` (${series.label})` : ''}`,
      summary: `${runs.length} runs; ${found} found; last ${quantity(values.get(runs.at(-1)), unit)}.${lines}`,
      traces,
      layout: { shapes, xaxis: { type: 'date' }, yaxis: { title: { text: unit === 'B' ? 'MB' : unit || name } }, showlegend: changed.length > 0 },
      header: ['run', 'commit', 'value', 'change', 'software changed'],
      rows: runs.toReversed().map((run) => [...said(run), quantity(values.get(run), unit), changes.get(run) ?? '', software.get(run) ?? '']),
      left: 2,
      height: 360,
    };
  }

  function show() {
    const chosen = data.series.filter((one) => one.cell === Number(cellChoice.value) && one.metric === Number(metricChoice.value));
    Charts.fill(document.getElementById('trend-charts'), chosen.map(figure), '');
  }

  /** Only the metrics that the cell has; the one that was shown stays, where it can. */
  function offer() {
    const has = new Set(data.series.filter((one) => one.cell === Number(cellChoice.value)).map((one) => one.metric));
    const before = metricChoice.value;
    metricChoice.replaceChildren(...[...has].map((at) => Report.element('option', { value: at }, data.metrics[at][0])));
    if (has.has(Number(before)) && before !== '') metricChoice.value = before;
    show();
  }

  cellChoice.append(...data.cells.map((name, at) => Report.element('option', { value: at }, name)));
  const telling = data.series.find((one) => one.changes.some(([, status]) => status === 'worse'))
    ?? data.series.find((one) => one.changes.length > 0);
  if (telling) cellChoice.value = String(telling.cell);
  cellChoice.addEventListener('change', offer);
  metricChoice.addEventListener('change', show);
  offer();
  if (telling) {
    metricChoice.value = String(telling.metric);
    show();
  }
  Report.quantity = quantity;
})();
