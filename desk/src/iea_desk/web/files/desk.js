// What a script adds to the pages of iea-desk web. They work without it: it copies, takes a dropped file, and follows what is typed.
"use strict";
(() => {
  const status = document.getElementById("annonce");
  const announce = (text) => {
    // the same words twice are read out twice
    status.textContent = "";
    requestAnimationFrame(() => { status.textContent = text; });
  };
  const find = (name) => document.getElementById(name);
  const read = (element) => ("value" in element && element.localName !== "output" ? element.value : element.textContent);

  const copy = (text) =>
    navigator.clipboard.writeText(text).then(
      () => announce("Copié."),
      () => announce("Le navigateur n’a pas copié\u00a0: sélectionnez le texte, puis Ctrl + C."),
    );
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(read(find(button.dataset.copy))));
  }

  // the message as it was changed on the page
  const compose = (address, subject, body) =>
    `mailto:${encodeURIComponent(address.trim()).replaceAll("%40", "@")}?subject=${encodeURIComponent(subject)}` +
    `&body=${encodeURIComponent(body.replace(/\r?\n/g, "\r\n"))}`;
  for (const link of document.querySelectorAll("a[data-letter]")) {
    link.addEventListener("click", () => {
      const [address, subject, body] = ["adresse", "objet", "texte"].map((part) => read(find(`${link.dataset.letter}-${part}`)));
      const whole = compose(address, subject, body);
      if (whole.length <= Number(link.dataset.longest)) {
        link.href = whole;
        return;
      }
      link.href = compose(address, subject, "");
      copy(body).then(() => announce("Le texte est trop long pour la messagerie\u00a0: il est copié, collez-le dans le message."));
    });
  }

  const form = document.querySelector("form[enctype]");
  if (!form) {
    return;
  }
  const file = form.querySelector("input[type=file]");
  const field = form.querySelector("textarea");
  const isTooLarge = () => [...file.files].some((one) => one.size > Number(form.dataset.largest));
  form.addEventListener("submit", (event) => {
    if (isTooLarge()) {
      event.preventDefault();
      announce("Ce fichier est trop gros pour une demande d’assistance\u00a0: 10 Mo au plus.");
      file.focus();
    }
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  const carriesFile = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  addEventListener("dragover", (event) => {
    if (carriesFile(event)) {
      event.preventDefault();
      document.body.classList.add("dropping");
    }
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) {
      document.body.classList.remove("dropping");
    }
  });
  addEventListener("drop", (event) => {
    if (carriesFile(event)) {
      event.preventDefault();
      document.body.classList.remove("dropping");
      file.files = event.dataTransfer.files;
      form.requestSubmit();
    }
  });
})();
