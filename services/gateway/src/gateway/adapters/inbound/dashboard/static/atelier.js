"use strict";

// What is heard of a part while it is being loaded may not be in it yet: then it is loaded once more.
const heard = new Map(), asked = new WeakMap();
const times = (part) => heard.get(part.id) ?? 0;
const hear = (part) => heard.set(part.id, times(part) + 1);
const renew = (part) => { htmx.trigger(part, "sse:everything"); hear(part); };
document.addEventListener("htmx:sseMessage", (event) => hear(event.target));
document.addEventListener("htmx:beforeRequest", (event) => asked.set(event.detail.xhr, times(event.detail.elt)));
document.addEventListener("htmx:afterSettle", (event) => {
  if (times(event.target) > asked.get(event.detail.xhr) + 1) renew(event.target);
});

// The connection: say when it is lost; once it is back, every live part loads again what it may have missed.
const say = (isLost) => { document.getElementById("lost").hidden = !isLost; };
const heal = () => { for (const part of document.querySelectorAll("[hx-trigger*='sse:everything']")) renew(part); };
document.addEventListener("htmx:sseError", () => say(true));
document.addEventListener("htmx:sseOpen", () => {
  if (document.getElementById("lost").hidden) return;
  say(false);
  heal();
});
document.addEventListener("htmx:sendError", (event) => {
  say(true);
  const part = event.detail.elt;
  if (part.matches("[hx-trigger*='sse:everything']")) setTimeout(() => renew(part), 3000);
});
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) say(false); });
window.addEventListener("offline", () => say(true));
window.addEventListener("online", heal);

// What was told about the last try is out of date with the next one.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.matches("form, button")) document.getElementById("notice").replaceChildren();
});
// A dialog covers the notice: what is wrong with its form is told within it.
document.addEventListener("htmx:beforeSwap", (event) => {
  const dialog = event.detail.requestConfig.elt.closest("dialog[open]");
  if (!dialog || !event.detail.isError) return;
  let told = dialog.querySelector("[role=alert]");
  if (!told) {
    told = document.createElement("div");
    told.setAttribute("role", "alert");
    dialog.querySelector("h2").after(told);
  }
  event.detail.target = told;
});
// A part in which a dialog is open waits with its news until the dialog is closed.
document.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.detail.target, dialog = part.querySelector("dialog[open]");
  if (!dialog || event.detail.isError) return;
  event.detail.shouldSwap = false;
  dialog.addEventListener("close", () => renew(part), { once: true });
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "notice") event.target.scrollIntoView({ block: "nearest" });
});

// Ask before what cannot be undone, in a dialog of the page.
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog).showModal();
  if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  const all = event.target.closest("[data-all]");
  if (all) {
    const boxes = [...document.querySelectorAll(`input[type=checkbox][name=${all.dataset.all}]`)];
    const check = boxes.some((box) => !box.checked);
    for (const box of boxes) box.checked = check;
  }
  event.target.closest("[data-remove]")?.closest("li").remove();
  const copied = event.target.closest("[data-copy]");
  if (copied) navigator.clipboard.writeText(copied.dataset.copy).then(() => { copied.textContent = "Copied"; });
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
});

// Uploads go straight to the bucket, with a link that takes just this file.
const csrf = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRF-Token"];
async function upload(file, progress) {
  const asked = await fetch("/uploads", {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf() },
    body: JSON.stringify({ content_type: file.type, size: file.size }),
  });
  if (!asked.ok) throw new Error((await asked.json()).detail);
  const link = await asked.json();
  await new Promise((done, failed) => {
    const put = new XMLHttpRequest();
    put.open(link.method, link.url);
    for (const [name, value] of Object.entries(link.headers)) if (name !== "Content-Length") put.setRequestHeader(name, value);
    put.upload.onprogress = (event) => progress(Math.round(100 * event.loaded / event.total));
    put.onload = () => put.status < 300 ? done() : failed(new Error("The image store did not take the file."));
    put.onerror = () => failed(new Error("The upload was interrupted. Choose the file again."));
    put.send(file);
  });
  return link.key;
}

// Each file is shown with its picture and its progress, and can be taken out again.
const element = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
};
async function add(file, field, list) {
  const bar = element("progress", { max: 100, value: 0, ariaLabel: `Uploading ${file.name}` });
  const words = element("span", { textContent: file.name });
  const out = element("button", { type: "button", className: "link", textContent: "Remove", ariaLabel: `Remove ${file.name}` });
  out.dataset.remove = "";
  const picture = element("img", { alt: "", src: URL.createObjectURL(file) });
  list.append(element("li", {}, picture, words, bar, out));
  try {
    const key = await upload(file, (percent) => { bar.value = percent; });
    bar.replaceWith(element("input", { type: "hidden", name: field, value: key }));
  } catch (error) {
    bar.remove();
    words.textContent = `${file.name}: ${error.message}`;
    words.className = "wrong";
  }
}
document.addEventListener("change", async (event) => {
  const input = event.target;
  if (!input.matches("input[type=file][data-uploads]")) return;
  const list = input.parentElement.querySelector(".uploads");
  const files = [...input.files];
  input.value = "";
  if (!input.multiple) list.replaceChildren();
  for (const file of files) await add(file, input.dataset.uploads, list);
});
