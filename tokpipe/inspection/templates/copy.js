// Drawings are copied as SVG, with the style of the page in them.
function styled(svg) {
  const paper = svg.ownerDocument;
  const copy = svg.cloneNode(true);
  const style = paper.createElementNS(svg.namespaceURI, "style");
  style.textContent = document.querySelector("style").textContent;
  copy.prepend(style);
  copy.querySelectorAll("[tabindex]").forEach((one) => one.removeAttribute("tabindex"));
  return new XMLSerializer().serializeToString(copy);
}

// Say whether the text could be copied; a browser may forbid it: then the user copies.
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const dialog = document.getElementById("source") ?? sourceDialog();
    const area = dialog.querySelector("textarea");
    area.value = text;
    dialog.showModal();
    area.select();
    return false;
  }
}

function sourceDialog() {
  const [dialog, about, area, button] = ["dialog", "p", "textarea", "button"].map((name) => document.createElement(name));
  dialog.id = "source";
  dialog.setAttribute("aria-label", "SVG");
  about.textContent = "Copy this text:";
  area.setAttribute("aria-label", "SVG");
  Object.assign(area, { rows: 12, readOnly: true });
  button.textContent = "Close";
  button.onclick = () => dialog.close();
  dialog.append(about, area, button);
  document.body.append(dialog);
  return dialog;
}
