// The table of all cases: unpacks the data of this page, filters, pages, opens one case by its link.
"use strict";
(() => {
  const PAGE = 50;
  const WAIT = 150;
  const $ = (id) => document.getElementById(id);

  const el = (name, props = {}, ...children) => {
    const node = Object.assign(document.createElement(name), props);
    node.append(...children);
    return node;
  };

  // Data

  const unpack = async (script) => {
    const bytes = Uint8Array.from(atob(script.textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json();
  };

  const blockScripts = document.querySelectorAll("script.cases-block");
  const blocks = [];
  const block = (number) => (blocks[number] ??= unpack(blockScripts[number]));

  const readRow = (fields, at) => {
    const [pair, suite, id, status, split, critical, base, candidate, question] = fields;
    return { at, pair, suite, id, status, split, critical, base, candidate, question, all: "" };
  };

  let data;
  let rows = [];
  const textsOf = async (row) => (await block(Math.floor(row.at / data.block)))[row.at % data.block];

  // Searching reads every text once; before the first search nothing but the index is unpacked.
  let searchable;
  const makeSearchable = () => (searchable ??= (async () => {
    for (const row of rows) {
      const [prompt, expected, base, candidate] = await textsOf(row);
      const texts = [row.id, row.suite, row.question, expected, ...prompt.map((turn) => turn[1])];
      for (const [text, , , notes] of [...base, ...candidate]) texts.push(text, ...notes);
      row.all = texts.join("\n").toLowerCase();
    }
  })());

  // State: what is filtered and which page is shown

  const state = { status: "", suite: "", pair: "", split: "", q: "" };
  let found = [];
  let page = 0;
  let turn = 0;

  const matches = (row, words) =>
    (!state.status || row.status === state.status) &&
    (!state.suite || row.suite === state.suite) &&
    (!state.pair || row.pair === Number(state.pair)) &&
    (!state.split || row.split === state.split) &&
    words.every((word) => row.all.includes(word));

  const filter = async ({ keepLink = false } = {}) => {
    const mine = ++turn;
    const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length) {
      if (!searchable) $("cases-count").textContent = "Reading all texts …";
      await makeSearchable();
    }
    if (mine !== turn) return;
    found = rows.filter((row) => matches(row, words));
    page = 0;
    show();
    if (!keepLink) remember();
  };

  const remember = () => {
    const asked = Object.entries(state).filter(([, value]) => value);
    const query = new URLSearchParams(asked).toString();
    history.replaceState(null, "", query ? `#cases?${query}` : "#cases");
  };

  // Table

  const number = (n) => n.toLocaleString("en");
  const mark = (glyph, tone) =>
    el("span", { className: `mark ${tone}`, textContent: glyph, ariaHidden: "true" });

  const show = () => {
    const start = page * PAGE;
    const shown = found.slice(start, start + PAGE);
    $("cases-body").replaceChildren(...shown.map((row, i) => rowNode(row, start + i)));
    $("cases-table").setAttribute("aria-rowcount", String(found.length + 1));
    $("cases-count").textContent = found.length === rows.length
      ? `${number(rows.length)} cases, most urgent first`
      : `${number(found.length)} of ${number(rows.length)} cases`;
    const pages = Math.max(Math.ceil(found.length / PAGE), 1);
    $("page-at").textContent = `Page ${number(page + 1)} of ${number(pages)}`;
    $("page-back").disabled = page === 0;
    $("page-on").disabled = page + 1 >= pages;
  };

  const rowNode = (row, index) => {
    const [label, glyph, tone] = data.statuses[row.status];
    const result = el("td", { className: "result" }, mark(glyph, tone), ` ${label}`);
    const button = el("button", { type: "button", className: "open", textContent: row.id });
    button.setAttribute("aria-expanded", "false");
    const name = el("td", { className: "name" }, button);
    if (row.critical) name.append(" ", el("span", { className: "tag", textContent: "critical" }));
    const ask = el("td", { className: "ask" }, el("bdi", { textContent: row.question }));
    const of = el("td", { className: "of", textContent: ofWords(row) });
    const node = el("tr", {}, result, of, name, ...(data.aside ? [ask] : []), score("Base", row.base), score("Candidate", row.candidate));
    node.setAttribute("aria-rowindex", String(index + 2));
    button.addEventListener("click", () => toggle(row, node, button));
    return node;
  };

  const ofWords = (row) => {
    const parts = [row.suite];
    if (data.pairs.length > 1) parts.push(data.pairs[row.pair][1]);
    if (row.split === "train") parts.push("training");
    return parts.join(" · ");
  };

  const score = (name, text) => {
    const cell = el("td", { className: "num", textContent: text });
    cell.dataset.name = name;
    return cell;
  };

  // One case

  const toggle = async (row, node, button) => {
    const opened = node.nextElementSibling;
    if (opened && opened.classList.contains("detail")) {
      opened.remove();
      button.setAttribute("aria-expanded", "false");
      return;
    }
    button.setAttribute("aria-expanded", "true");
    const cell = el("td", { colSpan: node.children.length }, await detail(row));
    node.after(el("tr", { className: "detail" }, cell));
  };

  const detail = async (row) => {
    const [prompt, expected, base, candidate] = await textsOf(row);
    const [baseName, candidateName] = data.pairs[row.pair];
    const body = el("div", { className: "flip-body" });
    for (const [role, text] of prompt) body.append(textNode(role, text));
    const sides = el("div", { className: "sides" });
    if (expected) sides.append(el("div", { className: "answer" }, el("h3", { textContent: "Expected" }), pre(expected)));
    sides.append(
      el("div", {}, ...base.map((a) => answerNode(a, "Base", baseName))),
      el("div", {}, ...candidate.map((a) => answerNode(a, "Candidate", candidateName))));
    body.append(sides);
    body.append(copyButton(row));
    return body;
  };

  const pre = (text) => el("pre", { textContent: text, tabIndex: 0 });
  const textNode = (name, text) =>
    el("div", { className: "turn" }, el("h3", { textContent: name }), pre(text));

  const answerNode = ([text, points, right, notes], side, name) => {
    const [tone, said] = right === null ? ["unsure", "… no score"]
      : right ? ["good", `✓ right, ${points}`] : ["bad", `✕ wrong, ${points}`];
    const head = el("h3", {}, `${side} `, el("span", { textContent: name }), " ",
      el("span", { className: `grade ${tone}`, textContent: said }));
    return el("div", { className: "answer" }, head, ...(data.answers ? [pre(text)] : []),
      ...notes.map((note) => el("p", { className: "note", textContent: note })));
  };

  const linkOf = (row) => `#case=${encodeURIComponent(`${row.suite}/${row.id}`)}`;

  const copyButton = (row) => {
    const button = el("button", { type: "button", className: "copy", textContent: "Copy link to this case" });
    button.addEventListener("click", async () => {
      const link = location.href.split("#")[0] + linkOf(row);
      history.replaceState(null, "", linkOf(row));
      try {
        await navigator.clipboard.writeText(link);
        button.textContent = "Link copied";
      } catch {
        button.textContent = "The link is in the address bar";
      }
    });
    return button;
  };

  // Links: #case=ID, #case=suite/ID, #cases?status=broken&suite=triage&q=refund

  const follow = async () => {
    if (location.hash.startsWith("#case=")) await openCase(decode(location.hash.slice(6)));
    if (location.hash.startsWith("#cases?")) await openFilter(location.hash.slice(7));
  };

  const decode = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };

  const openCase = async (wanted) => {
    const row = rows.find((r) => `${r.suite}/${r.id}` === wanted) ?? rows.find((r) => r.id === wanted);
    if (!row) {
      $("cases-count").textContent = `No case is called ${wanted}.`;
      $("cases").scrollIntoView();
      return;
    }
    Object.assign(state, { status: "", suite: "", pair: "", split: "", q: "" });
    setControls();
    await filter({ keepLink: true });
    page = Math.floor(found.indexOf(row) / PAGE);
    show();
    const node = $("cases-body").children[found.indexOf(row) % PAGE];
    const button = node.querySelector("button");
    await toggle(row, node, button);
    node.scrollIntoView({ block: "start" });
    button.focus({ preventScroll: true });
  };

  const openFilter = async (query) => {
    const asked = new URLSearchParams(query);
    for (const key of Object.keys(state)) state[key] = asked.get(key) ?? "";
    setControls();
    await filter({ keepLink: true });
    $("cases").scrollIntoView();
  };

  // Controls

  const options = (select, values) =>
    select.append(...values.map(([value, text]) => el("option", { value, textContent: text })));

  const chip = (value, text, count) => {
    const input = el("input", { type: "radio", name: "status", value, checked: value === "" });
    input.addEventListener("change", () => { state.status = value; filter(); });
    return el("label", { className: "chip" }, input,
      el("span", {}, `${text} `, el("b", { textContent: number(count) })));
  };

  const setControls = () => {
    for (const input of document.querySelectorAll("#status-filter input")) {
      input.checked = input.value === state.status;
    }
    for (const key of ["suite", "pair", "split"]) $(`${key}-filter`).value = state[key];
    $("text-filter").value = state.q;
  };

  const makeControls = () => {
    const counts = {};
    for (const row of rows) counts[row.status] = (counts[row.status] ?? 0) + 1;
    $("status-filter").append(chip("", "all", rows.length), ...Object.entries(data.statuses)
      .filter(([key]) => counts[key])
      .map(([key, [label, glyph]]) => chip(key, `${glyph} ${label}`, counts[key])));
    options($("suite-filter"), [["", "all"], ...[...new Set(rows.map((r) => r.suite))].map((s) => [s, s])]);
    options($("pair-filter"), [["", "all"], ...data.pairs.map(([, name], i) => [String(i), name])]);
    $("pair-field").hidden = data.pairs.length < 2;
    for (const key of ["suite", "pair", "split"]) {
      $(`${key}-filter`).addEventListener("change", (event) => { state[key] = event.target.value; filter(); });
    }
    let pause;
    $("text-filter").addEventListener("input", (event) => {
      clearTimeout(pause);
      pause = setTimeout(() => { state.q = event.target.value.trim(); filter(); }, WAIT);
    });
    document.querySelector("form.filters").addEventListener("submit", (event) => event.preventDefault());
    $("page-back").addEventListener("click", () => turnPage(-1));
    $("page-on").addEventListener("click", () => turnPage(1));
  };

  const turnPage = (by) => {
    page += by;
    show();
    $("cases-count").scrollIntoView({ block: "nearest" });
  };

  const start = async () => {
    data = await unpack($("cases-index"));
    rows = data.rows.map(readRow);
    makeControls();
    $("explorer").hidden = false;
    await filter({ keepLink: true });
    await follow();
    // The table that was just added may have pushed down the section that the link names.
    if (/^#[\w-]+$/.test(location.hash)) $(location.hash.slice(1))?.scrollIntoView();
    addEventListener("hashchange", follow);
    document.documentElement.dataset.ready = "true";
  };

  start().catch((error) => {
    $("cases-fault").hidden = false;
    $("cases-fault").textContent = `The table of all cases could not be shown: ${error.message}. A newer browser may help.`;
  });
})();
