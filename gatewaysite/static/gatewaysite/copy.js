// A button with data-copy="ID" copies the text of the element with that id.
"use strict";

function selectText(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

async function copyText(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    // Over plain HTTP there is no clipboard object, or it may be refused: the old way needs a selection.
    selectText(element);
    return document.execCommand("copy");
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const isCopied = await copyText(document.getElementById(button.dataset.copy));
  const label = button.textContent;
  button.textContent = isCopied ? "Copied" : "Press Ctrl-C";
  setTimeout(() => { button.textContent = label; }, 2000);
});
