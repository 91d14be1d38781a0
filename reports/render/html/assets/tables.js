'use strict';
/* The matrix: sorting by a column, filtering by axis, verdict and words. */
(() => {
  function key(row, column) {
    const cell = row.cells[column];
    if (!('value' in cell.dataset)) return cell.textContent.trim();
    return cell.dataset.value === '' ? null : Number(cell.dataset.value);
  }

  /** Numbers by size, words as people sort them; what has no value stays at the end. */
  function compare(one, other, direction) {
    if (one === null || other === null) return (one === null) - (other === null);
    if (typeof one === 'number') return (one - other) * direction;
    return one.localeCompare(other, undefined, { numeric: true }) * direction;
  }

  function sortable(table) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    heads.forEach((head, column) => {
      const button = Report.element('button', { type: 'button' }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener('click', () => {
        const ascending = head.getAttribute('aria-sort') !== 'ascending';
        for (const one of heads) one.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
        const keyed = [...body.rows].map((row) => [key(row, column), row]);
        keyed.sort((one, other) => compare(one[0], other[0], ascending ? 1 : -1));
        body.append(...keyed.map((pair) => pair[1]));
      });
    });
  }

  function filtered(controls) {
    const rows = [...document.getElementById(controls.dataset.filters).tBodies[0].rows];
    const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
    const search = controls.querySelector('[data-search]');
    const moved = controls.querySelector('[data-moved]');
    const selects = [...controls.querySelectorAll('[data-filter]')];
    const count = controls.querySelector('[data-count]');

    function apply() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const fits = selects.every((select) => !select.value || row.dataset[select.dataset.filter] === select.value)
          && (!moved.checked || row.dataset.tone !== 'quiet')
          && words.every((word) => texts.get(row).includes(word));
        row.hidden = !fits;
        shown += fits;
      }
      count.textContent = `${shown} of ${rows.length} cells`;
    }

    controls.addEventListener('input', apply);
    controls.querySelector('[data-reset]').addEventListener('click', () => {
      search.value = '';
      moved.checked = false;
      for (const select of selects) select.value = '';
      apply();
    });
    // A browser that comes back to the page fills the fields in again.
    apply();
  }

  document.querySelectorAll('table.sortable').forEach(sortable);
  document.querySelectorAll('[data-filters]').forEach(filtered);
})();
