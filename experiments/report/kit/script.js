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

  // A printed page has no folds to open, so what is in them is printed with it.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((fold) => { fold.open = true; });
  });
  addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));

  // The contents stay in reach, and what they lead to is opened.
  root.classList.add("scripted");
  const links = new Map(
    [...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]),
  );
  const parts = [...document.querySelectorAll("main > section > details")];
  const reveal = (target) => {
    const inside = target.querySelector(":scope > details");
    if (inside) { inside.open = true; }
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      fold.open = true;
    }
    target.scrollIntoView();
  };
  const follow = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target) { reveal(target); }
  };
  addEventListener("hashchange", follow);
  const menu = document.querySelector("nav > details");
  if (menu) { // a section alone has none
    const wide = matchMedia("(min-width: 66rem)");
    const fit = () => { menu.open = wide.matches; };
    fit();
    wide.addEventListener("change", fit);
    document.addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="#"]');
      if (link && link.hash === location.hash) { follow(); }
      if (!wide.matches && (link || !menu.contains(event.target))) { menu.open = false; }
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !wide.matches) { menu.open = false; }
    });
    const every = document.getElementById("unfold");
    const shut = () => parts.some((fold) => !fold.open);
    const name = () => { every.textContent = shut() ? "Open all" : "Close all"; };
    every.hidden = false;
    every.addEventListener("click", () => {
      const open = shut();
      parts.forEach((fold) => { fold.open = open; });
    });
    parts.forEach((fold) => fold.addEventListener("toggle", name));
    name();

    const visible = new Set();
    const watch = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        visible[entry.isIntersecting ? "add" : "delete"](entry.target.id);
      }
      const first = [...links.keys()].find((key) => visible.has(key));
      links.forEach((link, key) => link.classList.toggle("here", key === first));
      if (first) { menu.firstElementChild.dataset.here = links.get(first).textContent; }
    }, { rootMargin: "-10% 0px -60% 0px" });
    document.querySelectorAll("main > section").forEach((part) => watch.observe(part));
  }
  follow();

  // Every mark tells its values: where it is pointed at, touched, or reached by arrow keys.
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("role", "status");
  document.body.append(tip);
  let at = null;
  const hide = () => {
    at?.classList.remove("pointed");
    at = null;
    tip.classList.remove("shown");
  };
  const tell = (mark) => {
    if (mark === at) { return; }
    hide();
    at = mark;
    at.classList.add("pointed");
    tip.textContent = mark.dataset.tip;
    tip.classList.add("shown");
    const [box, own] = [mark.getBoundingClientRect(), tip.getBoundingClientRect()];
    const wide = root.clientWidth;
    const left = Math.min(Math.max(4, box.left + box.width / 2 - own.width / 2), wide - own.width - 4);
    const above = box.top - own.height - 8;
    tip.style.left = `${left}px`;
    tip.style.top = `${above < 4 ? box.bottom + 8 : above}px`;
  };
  document.querySelectorAll(".picture").forEach((picture) => {
    picture.querySelectorAll("[title]").forEach((mark) => {
      mark.dataset.tip = mark.getAttribute("title");
      mark.removeAttribute("title");
    });
    picture.querySelectorAll("svg title").forEach((title) => {
      title.parentElement.dataset.tip = title.textContent;
      title.remove();
    });
    const shown = () => [...picture.querySelectorAll("[data-tip]")]
      .filter((mark) => mark.dataset.tip && mark.checkVisibility());
    if (!picture.querySelector("[data-tip]")) { return; }
    picture.tabIndex = 0;
    picture.setAttribute("role", "group");
    picture.addEventListener("keydown", (event) => {
      const way = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!way || event.target !== picture) { return; }
      event.preventDefault();
      const marks = shown();
      const next = marks.indexOf(at) + way;
      const mark = marks[at && marks.includes(at) ? (next + marks.length) % marks.length : 0];
      mark.scrollIntoView({ block: "nearest" });
      tell(mark);
    });
    picture.addEventListener("blur", hide);
  });
  const pointed = (event) => event.target.closest?.(".picture [data-tip]");
  document.addEventListener("pointerover", (event) => {
    const mark = pointed(event);
    if (mark?.dataset.tip) { tell(mark); } else if (event.pointerType === "mouse") { hide(); }
  });
  document.addEventListener("pointerdown", (event) => { if (!pointed(event)) { hide(); } });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") { hide(); } });
  addEventListener("scroll", () => { if (!at?.closest(".picture:focus")) { hide(); } }, true);

  // Every figure can be taken along: its numbers as CSV, its picture as SVG.
  const number = /^[+-]?\d[\d.,]*\s?%?$/;
  const cell = (node) => {
    const text = node.innerText.trim().replace(/[\u2009\u202f\u00a0]/g, " ").replace(/\u2212/g, "-");
    const plain = number.test(text) ? text.replace(/[\s,]/g, "") : text.replace(/\s*\n\s*/g, " ");
    return /[",]/.test(plain) ? `"${plain.replace(/"/g, '""')}"` : plain;
  };
  const csv = (table) => {
    const shut = []; // what is in a closed fold has no words as they look
    for (let fold = table.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      if (!fold.open) { shut.push(fold); }
    }
    shut.forEach((fold) => { fold.open = true; });
    const rows = [...table.rows].map((row) => [...row.cells].map(cell).join(","));
    shut.forEach((fold) => { fold.open = false; });
    return `${rows.join("\n")}\n`;
  };
  const space = ["http:", "", "www.w3.org", "2000", "svg"].join("/"); // a name; nothing is loaded
  const svg = (picture) => {
    const { width, height } = picture.getBoundingClientRect();
    // In a picture, media queries would ask how wide it is drawn: it keeps the layout it has here.
    const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).flatMap(
      (rule) => (!rule.media ? [rule] : matchMedia(rule.media.mediaText).matches ? [...rule.cssRules] : []),
    );
    const style = rules.map((rule) => rule.cssText).join("\n").replace(/]]>/g, "");
    const copy = picture.cloneNode(true);
    copy.querySelectorAll("[data-tip]").forEach((mark) => {
      mark.setAttribute("title", mark.dataset.tip);
      mark.removeAttribute("data-tip");
    });
    const drawn = new XMLSerializer().serializeToString(copy);
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
    if (picture?.querySelector(".absolute")) {
      const words = ["Absolute", "Relative"];
      add(words[0], "Show changes in their unit, or relative to control", (event) => {
        const absolute = picture.classList.toggle("absolute");
        event.target.textContent = words[Number(absolute)];
      });
    }
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
