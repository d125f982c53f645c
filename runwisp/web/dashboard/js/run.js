import { clear, el } from "./dom.js";

export class RunPage extends HTMLElement {
  set route({ params }) {
    clear(this, el("p", { text: `Run ${params.id}` }));
  }
}

customElements.define("rw-run", RunPage);
