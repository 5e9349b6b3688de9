// Under each drawing, a button that copies it.
document.querySelectorAll("figure > svg[role=img]").forEach((svg) => {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "copy", textContent: "Copy as SVG" });
  button.onclick = async () => {
    if (await copyText(styled(svg))) button.textContent = "Copied";
  };
  svg.after(button);
});
