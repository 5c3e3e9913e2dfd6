"use strict";
(() => {
  const button = document.getElementById("theme");
  const root = document.documentElement;
  const themes = ["auto", "light", "dark"];
  const stored = () => {
    try { return localStorage.getItem("funnelab-theme"); } catch { return null; }
  };
  const keep = (theme) => {
    try { localStorage.setItem("funnelab-theme", theme); } catch { /* a file may not store */ }
  };
  const show = (theme) => {
    root.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  if (button) { // a section alone has none
    let current = themes.includes(stored()) ? stored() : "auto";
    show(current);
    button.hidden = false;
    button.addEventListener("click", () => {
      current = themes[(themes.indexOf(current) + 1) % themes.length];
      keep(current);
      show(current);
    });
  }

  // A printed page has no folds to open, so its tables are printed with it.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));

  const links = new Map(
    [...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]),
  );
  const visible = new Set();
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      visible[entry.isIntersecting ? "add" : "delete"](entry.target.id);
    }
    const first = [...links.keys()].find((key) => visible.has(key));
    links.forEach((link, key) => link.classList.toggle("here", key === first));
  }, { rootMargin: "-10% 0px -60% 0px" });
  document.querySelectorAll("main > section").forEach((part) => watch.observe(part));
})();
