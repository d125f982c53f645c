import { el } from "./dom.js";
import { setPage } from "./shell.js";

export class UnitPage extends HTMLElement {
  set route({ params }) {
    setPage({ title: params.name ?? "Unit", crumbs: [{ label: params.name ?? "Unit" }] });
    this.replaceChildren(el("p", { text: "Unit page" }));
  }
}

customElements.define("rw-unit", UnitPage);
