// The search on the index of the problems; tools/render_pages.py puts it into the page.
"use strict";
(() => {
  // what follows the page that comes first
  const MOST = 10;
  // how much a word counts: in the title, in what is seen, in the rest of the page
  const WEIGHTS = [4, 2, 1];
  const field = document.getElementById("mots");
  const count = document.getElementById("nombre");
  const results = document.getElementById("resultats");
  const groups = [...document.querySelectorAll("section.group")];
  const ignored = new Set(field.dataset.ignored.split(" "));
  const pages = [...document.querySelectorAll("tr[data-words]")].map((row) => {
    const weights = new Map();
    row.dataset.words.split("|").forEach((words, kind) => {
      for (const word of words.split(" ").filter((one) => one)) {
        weights.set(word, WEIGHTS[kind]);
      }
    });
    return { row, weights };
  });
  // where nothing else decides: the guide, then what a clerk can mend herself
  pages.sort((a, b) => a.row.dataset.order - b.row.dataset.order);

  // small letters without accents, as tools/render_pages.py writes them
  const split = (text) =>
    text.toLowerCase().replace(/œ/g, "oe").normalize("NFD").replace(/[\u0300-\u036f]/g, "").match(/[a-z0-9]+/g) || [];
  const singular = (word) => (word.length > 4 ? word.replace(/[sx]$/, "") : word);
  // the same word, or its beginning, which is enough
  const agree = (word, typed) =>
    word === typed ? 1 : singular(word) === singular(typed) ? 0.9 : word.startsWith(typed) ? 0.7 : 0;
  // one letter is missing, too many, or another one, or two neighbours changed places
  const resemble = (word, typed) => {
    const [one, other] = [singular(word), singular(typed)];
    if (Math.min(one.length, other.length) < 4 || Math.abs(one.length - other.length) > 1) {
      return 0;
    }
    let start = 0;
    while (start < one.length && one[start] === other[start]) {
      start += 1;
    }
    const [left, right] = [one.slice(start), other.slice(start)];
    const swapped = left[0] === right[1] && left[1] === right[0] && left.slice(2) === right.slice(2);
    const near = [[1, 1], [1, 0], [0, 1]].some(([a, b]) => left.slice(a) === right.slice(b));
    return near || swapped ? 0.5 : 0;
  };
  const look = (typed, compare) =>
    pages.map(({ weights }) => Math.max(0, ...[...weights].map(([word, weight]) => weight * compare(word, typed))));

  // a word that many pages share says little; a word of no page may be mistyped
  const weigh = (typed) => {
    let values = look(typed, agree);
    if (values.every((value) => value === 0)) {
      values = look(typed, resemble);
    }
    const sharing = values.filter((value) => value > 0).length;
    return values.map((value) => value * Math.log(1 + pages.length / (sharing || 1)));
  };
  // the pages that have most of the words, best first
  const rank = (typed) => {
    const values = typed.map(weigh);
    const ranked = pages.map(({ row }, place) => ({
      row,
      hits: values.filter((one) => one[place] > 0).length,
      value: values.reduce((sum, one) => sum + one[place], 0),
    }));
    const most = Math.max(1, ...ranked.map(({ hits }) => hits));
    return ranked.filter(({ hits }) => hits === most).sort((a, b) => b.value - a.value).map(({ row }) => row);
  };
  const tell = (number) =>
    number === 0
      ? "Aucune page trouvée. Essayez un seul mot, ou le code affiché."
      : number === 1
        ? "1 page"
        : number <= MOST + 1
          ? `${number} pages, la plus proche en premier`
          : `Les ${MOST + 1} pages les plus proches, sur ${number}. Commencez par la première.`;

  const update = () => {
    const words = split(field.value);
    const telling = words.filter((word) => !ignored.has(word));
    // « ça ne marche pas » says nothing but that something is wrong
    const typed = telling.length || words.length < 3 ? telling : [field.dataset.otherwise];
    const ranked = typed.length ? rank(typed) : [];
    results.replaceChildren(...ranked.slice(0, MOST + 1).map((row) => row.cloneNode(true)));
    for (const group of groups) {
      group.hidden = typed.length > 0;
    }
    count.textContent = typed.length ? tell(ranked.length) : "";
  };

  field.addEventListener("input", update);
  // a browser may put back what was typed before
  window.addEventListener("pageshow", update);
  document.getElementById("recherche").hidden = false;
})();
