'use strict';
/* The section of one cell: chosen here or in the matrix. */
(() => {
  const cells = Report.data('data-cells');
  if (!cells) return;
  const choice = document.getElementById('cell-choice');
  const FIRST_NUMBER = 1;
  const LAST_NUMBER = 3;

  function metricRow(texts) {
    return Report.element('tr', {}, ...texts.map((text, at) => {
      if (at === 0) return Report.element('th', { scope: 'row' }, text);
      return Report.element('td', at >= FIRST_NUMBER && at <= LAST_NUMBER ? { class: 'number' } : {}, text);
    }));
  }

  function show() {
    const cell = cells[Number(choice.value)];
    const sign = Report.element('span', { class: 'sign', 'aria-hidden': 'true' }, cell.sign);
    document.getElementById('cell-status').replaceChildren(
      Report.element('span', { class: `badge ${cell.tone}` }, sign, ` ${cell.status}`));
    document.getElementById('cell-metrics').tBodies[0].replaceChildren(...cell.rows.map(metricRow));
    document.getElementById('cell-proofs').replaceChildren(
      ...cell.proofs.map(([name, text]) => Report.element('li', {}, `${name}: ${text}`)));
    Charts.fill(document.getElementById('cell-charts'), cell.figures, '');
  }

  choice.addEventListener('change', show);
  for (const link of document.querySelectorAll('[data-cell]')) {
    link.addEventListener('click', () => {
      choice.value = link.dataset.cell;
      show();
      document.getElementById('cell').focus({ preventScroll: true });
    });
  }
  // The first cell that is not as it was says the most.
  const telling = cells.findIndex((cell) => cell.tone === 'bad');
  if (telling > 0) choice.value = String(telling);
  show();
})();
