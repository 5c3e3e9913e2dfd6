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

  // Every figure can be taken along: its numbers as CSV, its picture as SVG.
  const number = /^[+-]?\d[\d.,]*\s?%?$/;
  const cell = (node) => {
    const text = node.innerText.trim().replace(/[\u2009\u202f\u00a0]/g, " ").replace(/\u2212/g, "-");
    const plain = number.test(text) ? text.replace(/[\s,]/g, "") : text.replace(/\s*\n\s*/g, " ");
    return /[",]/.test(plain) ? `"${plain.replace(/"/g, '""')}"` : plain;
  };
  const csv = (table) => [...table.rows]
    .map((row) => [...row.cells].map(cell).join(","))
    .join("\n") + "\n";
  const space = ["http:", "", "www.w3.org", "2000", "svg"].join("/"); // a name; nothing is loaded
  const svg = (picture) => {
    const { width, height } = picture.getBoundingClientRect();
    // In a picture, media queries would ask how wide it is drawn: it keeps the layout it has here.
    const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).flatMap(
      (rule) => (!rule.media ? [rule] : matchMedia(rule.media.mediaText).matches ? [...rule.cssRules] : []),
    );
    const style = rules.map((rule) => rule.cssText).join("\n").replace(/]]>/g, "");
    const drawn = new XMLSerializer().serializeToString(picture);
    const [wide, high] = [Math.ceil(width), Math.ceil(height)];
    return `<svg xmlns="${space}" width="${wide}" height="${high}" `
      + `viewBox="0 0 ${wide} ${high}" style="color:var(--ink)"><style><![CDATA[${style}]]></style>`
      + `<foreignObject width="${wide}" height="${high}">${drawn}</foreignObject></svg>`;
  };
  const save = (text, kind, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const run = (document.querySelector("h1")?.textContent ?? "figure").trim().replace(/\W+/g, "-");
  document.querySelectorAll("main figure").forEach((figure, at) => {
    const part = figure.closest("section")?.id || "figure";
    const bar = document.createElement("div");
    bar.className = "saves";
    const add = (label, told, work) => {
      const made = document.createElement("button");
      made.type = "button";
      made.textContent = label;
      made.title = told;
      made.addEventListener("click", work);
      bar.append(made);
    };
    const [picture, table] = [figure.querySelector(".picture"), figure.querySelector("table")];
    const name = `${run}-${part}-${at + 1}`;
    if (picture) {
      add("SVG", "Save the picture", () => save(svg(picture), "image/svg+xml", `${name}.svg`));
    }
    if (table) {
      add("CSV", "Save the numbers", () => save(csv(table), "text/csv", `${name}.csv`));
    }
    figure.insertBefore(bar, figure.querySelector(":scope > details"));
  });
  window.funnelab = { csv, svg };
})();
