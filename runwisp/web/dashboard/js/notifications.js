import { el } from "./dom.js";
import { setPage } from "./shell.js";

export class NotificationsPage extends HTMLElement {
  set route(route) {
    setPage({ title: "Notifications", crumbs: [{ label: "Notifications" }] });
    this.replaceChildren(el("p", { text: "Notifications" }));
  }
}

customElements.define("rw-notifications", NotificationsPage);
