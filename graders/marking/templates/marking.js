// Marking by keyboard. Without it, everything works with forms and links.
"use strict";

const form = document.getElementById("give");
const comment = document.getElementById("comment");
const points = document.getElementById("points");
const said = document.getElementById("said");
const offered = document.getElementById("offered");
const help = document.getElementById("help");
const initial = form ? written() : "";
const words = document.currentScript.dataset;
let leaving = false;

function written() {
  return new URLSearchParams([...new FormData(form)].filter(([name]) => name !== "form")).toString();
}

// A key by what is printed on it, and on a keyboard of other letters by where it is.
function keyOf(event) {
  if (/^[ -~]$/.test(event.key)) return event.key.toLowerCase();
  const letter = /^Key([A-Z])$/.exec(event.code);
  return letter ? letter[1].toLowerCase() : event.key;
}

function say(text) {
  if (!said) return;
  said.textContent = text;
  said.hidden = !text;
}

function typing(element) {
  return element.matches("textarea, input:not([type=radio]):not([type=checkbox])");
}

function showSum() {
  const sum = document.getElementById("sum");
  if (!sum) return;
  const chosen = [...form.querySelectorAll("input[name=chosen]:checked")].map((one) => Number(one.dataset.points));
  const total = Math.min(Math.max(chosen.reduce((all, one) => all + one, 0), 0), Number(points.dataset.most));
  sum.textContent = chosen.length && !points.value.trim() ? `= ${total.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 2 })}` : "";
}

function take(text) {
  const before = comment.value.trimEnd();
  comment.value = before ? `${before}\n${text}` : text;
  comment.focus();
}

// The server may have been stopped, or started again: what is typed is sent only to one that answers.
async function send(one) {
  try {
    const answer = await fetch("/alive", { cache: "no-store" });
    if (!answer.ok) {
      say(words.locked);
      return;
    }
    one.elements.form.value = (await answer.json()).form;
  } catch {
    say(words.silent);
    return;
  }
  leaving = one === form;
  one.submit();
}

function choose(element) {
  if (element.matches("input")) {
    element.focus();
    if (points) points.value = "";
    element.click();
  } else if (element.dataset.opens) {
    document.getElementById(element.dataset.opens).showModal();
  } else element.click();
}

function pressed(event) {
  if (event.isComposing || (help && help.open)) return;
  const at = document.activeElement;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form) {
    event.preventDefault();
    form.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    at.blur();
    return;
  }
  const list = offered ? [...offered.querySelectorAll("button")] : [];
  if (list.includes(at) || at === comment) {
    const place = list.indexOf(at);
    const atEnd = at !== comment || comment.selectionEnd === comment.value.length;
    if (event.key === "ArrowDown" && list.length && atEnd) list[Math.min(place + 1, list.length - 1)].focus();
    else if (event.key === "ArrowUp" && place >= 0) (list[place - 1] || comment).focus();
    else if (at === comment) return;
    else if (event.key === "Enter") return;
    if (event.key.startsWith("Arrow")) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") event.preventDefault();
      return;
    }
  }
  if (typing(at)) return;
  if (event.key === "Enter" && at.matches("a, button, summary")) return;
  const key = keyOf(event);
  if (key === "0" && points && !document.querySelector("[data-key='0']")) {
    event.preventDefault();
    for (const one of form.querySelectorAll("input[name=chosen]:checked")) one.checked = false;
    points.value = "0";
    showSum();
    return;
  }
  const focused = document.querySelector(`[data-focus="${CSS.escape(key)}"]`);
  const wanted = focused || document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (!wanted) return;
  event.preventDefault();
  if (focused) focused.focus();
  else choose(wanted);
}

document.addEventListener("keydown", pressed);
for (const button of document.querySelectorAll("[data-opens]")) {
  button.hidden = false;
  button.addEventListener("click", () => document.getElementById(button.dataset.opens).showModal());
}
for (const one of document.querySelectorAll("form[method=post]")) {
  one.addEventListener("submit", (event) => {
    event.preventDefault();
    send(one);
  });
}
if (form) {
  form.addEventListener("change", (event) => {
    if (event.target.name === "chosen") points.value = "";
    showSum();
  });
  points.addEventListener("input", () => {
    if (!document.getElementById("sum") && points.value.trim()) {
      for (const one of form.querySelectorAll("input[name=chosen]:checked")) one.checked = false;
    }
    showSum();
  });
  if (offered) {
    offered.hidden = false;
    for (const one of offered.querySelectorAll("button")) one.addEventListener("click", () => take(one.dataset.comment));
  }
  showSum();
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && written() !== initial) event.preventDefault();
  });
}
