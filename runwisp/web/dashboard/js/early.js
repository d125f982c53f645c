// A classic script for what cannot wait: the theme is chosen before anything is painted, and the daemon is asked
// whether there is a session while the modules are still being fetched.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const KEY = "runwisp:theme";

  function read() {
    try {
      const kept = localStorage.getItem(KEY);
      return kept === "light" || kept === "dark" ? kept : "auto";
    } catch {
      return "auto";
    }
  }

  function apply() {
    const theme = read();
    const isDark = theme === "dark" || (theme === "auto" && dark.matches);
    document.documentElement.classList.toggle("dark", isDark);
    document.querySelector("meta[name=theme-color]").content = isDark ? "#0c1213" : "#f5f6f3";
  }

  /** The theme and how it is changed, for the modules. */
  window.runwispTheme = {
    get: read,
    set(theme) {
      try {
        localStorage.setItem(KEY, theme);
      } catch {
        // It then lasts as long as the page.
      }
      apply();
    },
  };
  dark.addEventListener("change", apply);
  addEventListener("storage", (event) => event.key === KEY && apply());
  apply();

  /** What `GET /api/auth/status` said; null if it did not. */
  window.runwispAuth = fetch("/api/auth/status", { cache: "no-store" })
    .then((answer) => (answer.ok ? answer.json() : null))
    .catch(() => null);
})();
