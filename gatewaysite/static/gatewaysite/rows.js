// Adds rows to a form that has several: copies the empty one and gives it the next number.
"use strict";

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-gw-add]");
  if (!button) return;
  const rows = button.closest("[data-gw-rows]");
  const total = rows.querySelector(`[name="${rows.dataset.gwRows}-TOTAL_FORMS"]`);
  const empty = rows.querySelector("[data-gw-empty]");
  const holder = document.createElement("div");
  holder.innerHTML = empty.innerHTML.replaceAll("__prefix__", total.value);
  total.value = String(Number(total.value) + 1);
  const added = holder.firstElementChild;
  rows.querySelector("[data-gw-list]").append(added);
  const first = added.querySelector("select, textarea, input");
  if (first) first.focus();
});
