// The search on the index of the problems; tools/render_pages.py puts it into the page.
"use strict";
(() => {
  const field = document.getElementById("mots");
  const count = document.getElementById("nombre");
  const rows = [...document.querySelectorAll("tr[data-words]")];
  const groups = [...document.querySelectorAll("section.group")];
  const ignored = new Set(field.dataset.ignored.split(" "));

  // small letters without accents, as tools/render_pages.py writes them
  const split = (text) =>
    text.toLowerCase().replace(/œ/g, "oe").normalize("NFD").replace(/[\u0300-\u036f]/g, "").match(/[a-z0-9]+/g) || [];
  // the beginning of a word is enough, and a plural finds its singular
  const agree = (word, typed) => word.startsWith(typed) || (word.length > 4 && typed.startsWith(word));

  const update = () => {
    const typed = split(field.value).filter((word) => !ignored.has(word));
    let shown = 0;
    for (const row of rows) {
      const words = row.dataset.words.split(" ");
      row.hidden = !typed.every((one) => words.some((word) => agree(word, one)));
      shown += row.hidden ? 0 : 1;
    }
    for (const group of groups) {
      group.hidden = ![...group.querySelectorAll("tr[data-words]")].some((row) => !row.hidden);
    }
    count.textContent =
      shown === 0
        ? "Aucun problème trouvé. Essayez un seul mot, ou le code affiché."
        : shown === 1
          ? "1 problème"
          : `${shown} problèmes`;
  };

  field.addEventListener("input", update);
  // a browser may put back what was typed before
  window.addEventListener("pageshow", update);
  document.getElementById("recherche").hidden = false;
})();
