import { el } from "./dom.js";
import { setPage } from "./shell.js";

export class OverviewPage extends HTMLElement {
  set route({ params }) {
    setPage({ title: params.name ?? "Overview", crumbs: [{ label: params.name ?? "Overview" }] });
    this.replaceChildren(el("p", { text: "Overview page" }));
  }
}

customElements.define("rw-overview", OverviewPage);
