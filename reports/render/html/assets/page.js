'use strict';
/* What the other scripts share. Text from run files only ever becomes text: nothing here parses HTML. */
const Report = (() => {
  /** Data that the page carries, by its element's id; null where it carries none. */
  function data(id) {
    const found = document.getElementById(id);
    return found ? JSON.parse(found.textContent) : null;
  }

  /** An element with attributes and children, which are elements or text. */
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  }

  /** A row of a table: its first cell names it, from `left` on they hold numbers. */
  function row(cells, left = 1) {
    return element('tr', {}, ...cells.map((text, at) => {
      if (at === 0) return element('th', { scope: 'row' }, text);
      return element('td', at < left ? {} : { class: 'number' }, text);
    }));
  }

  /** A table in a region that scrolls sideways, as macros.html.j2 has it. */
  function table(label, header, rows, left = 1) {
    const heads = header.map((text, at) =>
      element('th', at < left ? { scope: 'col' } : { scope: 'col', class: 'number' }, text));
    const whole = element('table', {},
      element('thead', {}, element('tr', {}, ...heads)),
      element('tbody', {}, ...rows.map((cells) => row(cells, left))));
    return element('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': label }, whole);
  }

  /** Calls `then` once, when the element comes near the part of the page that is seen. */
  function whenNear(target, then) {
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      then();
    }, { rootMargin: '400px' });
    observer.observe(target);
  }

  return { data, element, row, table, whenNear };
})();

/* Paper shows everything that is folded away, in light colours; what was closed is closed again afterwards. */
(() => {
  let opened = [];
  addEventListener('beforeprint', () => {
    document.documentElement.classList.add('printing');
    opened = [...document.querySelectorAll('details:not([open])')];
    for (const one of opened) {
      one.dispatchEvent(new Event('fill'));
      one.open = true;
    }
  });
  addEventListener('afterprint', () => {
    document.documentElement.classList.remove('printing');
    for (const one of opened) one.open = false;
    opened = [];
  });
})();
