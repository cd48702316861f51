// Pictures with their alternative text: JupyterLab's own renderer drops `alt` from an output's metadata.
//
// Written by hand as what a bundler would make: a container of webpack's module federation, which JupyterLab
// and Notebook 7 load from share/jupyter/labextensions. There is no build step and no dependency.
"use strict";

(() => {
  const PICTURES = { "image/png": 90, "image/svg+xml": 80 }; // the ranks of JupyterLab's own renderers
  const LEGIBLE = 480; // CSS pixels; the letters of a picture as wide as that are 8 to 9 pixels high
  let shared = {};

  /** Return a module that JupyterLab shares, such as "@lumino/widgets". */
  async function borrow(name) {
    const versions = Object.values(shared[name] || {});
    if (!versions.length) throw new Error(`JupyterLab shares no ${name}`);
    return (await versions[0].get())();
  }

  function source(mimeType, data) {
    const text = Array.isArray(data) ? data.join("") : String(data);
    return mimeType === "image/png"
      ? `data:image/png;base64,${text.replace(/\s/g, "")}`
      : `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  }

  async function renderers() {
    const { Widget } = await borrow("@lumino/widgets");

    class Picture extends Widget {
      constructor(mimeType) {
        super();
        this.mimeType = mimeType;
        this.image = document.createElement("img");
        this.node.appendChild(this.image);
        this.addClass("jp-RenderedImage"); // and so JupyterLab's styles: at most as wide as the column
        this.addClass(mimeType === "image/png" ? "jp-RenderedPNG" : "jp-RenderedSVG");
      }

      renderModel(model) {
        const about = model.metadata[this.mimeType] || {};
        if (typeof about.alt === "string") this.image.alt = about.alt;
        if (about.width) this.image.width = about.width;
        if (about.height) this.image.height = about.height;
        // In a very narrow column a picture of ours is scrolled to the side: smaller, it could not be read.
        if (about.alt && about.width > LEGIBLE) {
          this.image.style.minWidth = `${LEGIBLE}px`;
          this.node.style.overflowX = "auto";
        }
        this.image.classList.toggle("jp-mod-unconfined", about.unconfined === true);
        const background = model.metadata.needs_background;
        if (background) this.image.classList.add(`jp-needs-${background}-background`);
        this.image.src = source(this.mimeType, model.data[this.mimeType]);
        return new Promise((resolve) => {
          this.image.onload = this.image.onerror = () => resolve();
        });
      }
    }

    return Object.entries(PICTURES).map(([mimeType, rank]) => ({
      id: `multiprocessing-notebooks:${mimeType}`,
      rendererFactory: {
        safe: true, // an <img> runs no script, not even an SVG's
        mimeTypes: [mimeType],
        createRenderer: () => new Picture(mimeType),
      },
      rank,
      dataType: "string",
    }));
  }

  (window._JUPYTERLAB ||= {})["multiprocessing-notebooks"] = {
    init: (scope) => {
      shared = scope;
    },
    get: async () => {
      const plugins = await renderers();
      return () => ({ __esModule: true, default: plugins });
    },
  };
})();
