import { el } from "./dom.js";
import { setPage } from "./shell.js";

export class RunsPage extends HTMLElement {
  set route({ params }) {
    setPage({ title: params.name ?? "Runs", crumbs: [{ label: params.name ?? "Runs" }] });
    this.replaceChildren(el("p", { text: "Runs page" }));
  }
}

customElements.define("rw-runs", RunsPage);
