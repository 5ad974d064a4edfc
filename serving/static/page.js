// Makes the page nicer, and is needed for nothing: thumbnails, smaller uploads, progress. Without it the form just works.
"use strict";
const SIDE = 1600; // the long side that is sent: more than the model looks at, a tenth of the bytes
const MOST = 6;
const SMALL = 300 * 1024; // a file below this is sent as it is
document.documentElement.classList.add("js");

function prepare(form) {
  const said = form.dataset;
  const thumbs = form.querySelector("#thumbs");
  const status = form.querySelector("#status");
  const button = form.querySelector("button.go");
  const inputs = [...form.querySelectorAll("input[type=file]")];
  let files = [];

  function tell(text, bad) {
    status.textContent = text;
    status.classList.toggle("bad", Boolean(bad));
  }

  function show() {
    for (const image of thumbs.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    thumbs.replaceChildren(...files.map((file, place) => {
      const item = document.createElement("li");
      const image = document.createElement("img");
      const remove = document.createElement("button");
      image.src = URL.createObjectURL(file);
      image.alt = file.name;
      remove.type = "button";
      remove.setAttribute("aria-label", `${said.remove} ${place + 1}`);
      remove.addEventListener("click", () => {
        files = files.filter((other) => other !== file);
        show();
        (thumbs.querySelector("button") || inputs[0]).focus();
      });
      item.append(image, remove);
      return item;
    }));
  }

  for (const input of inputs) {
    input.addEventListener("change", () => {
      const all = [...files, ...input.files];
      files = all.slice(0, MOST);
      input.value = ""; // the list is ours now; the same photo may be chosen again after it was removed
      tell(all.length > MOST ? said.many : "", all.length > MOST);
      show();
    });
  }

  async function smaller(file) {
    try {
      const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
      const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
      if (scale === 1 && file.size < SMALL) return file;
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(bitmap.width * scale);
      canvas.height = Math.round(bitmap.height * scale);
      canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      bitmap.close();
      const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.88));
      return blob && blob.size < file.size ? blob : file;
    } catch {
      return file; // a format that this browser cannot show (HEIC): the server can
    }
  }

  function send(body) {
    const bar = document.createElement("progress");
    bar.max = 1;
    status.append(bar);
    return new Promise((done, fail) => {
      const request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) bar.value = event.loaded / event.total;
      });
      request.upload.addEventListener("load", () => tell(said.looking));
      request.addEventListener("load", () => done(request));
      request.addEventListener("error", fail);
      request.send(body);
    });
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!files.length) {
      tell(said.none, true);
      inputs[0].focus();
      return;
    }
    button.disabled = true;
    try {
      tell(said.shrinking);
      const body = new FormData(form);
      body.delete("photo");
      for (const file of files) body.append("photo", await smaller(file), "photo");
      tell(said.sending);
      replace(await send(body));
    } catch {
      tell(said.failed, true);
    }
    button.disabled = false;
  });

  function replace(answer) {
    const kind = answer.getResponseHeader("content-type") || "";
    if (!kind.startsWith("text/html")) {
      tell(JSON.parse(answer.responseText).error.message, true);
      return;
    }
    const page = new DOMParser().parseFromString(answer.responseText, "text/html");
    const problem = page.querySelector(".notice.bad p");
    if (problem) {
      tell(problem.textContent, true); // the photos that were chosen stay
      return;
    }
    document.title = page.title;
    document.querySelector("#main").replaceWith(page.querySelector("#main"));
    document.querySelector(".switch")?.remove();
    history.pushState({}, ""); // "back" leads to the form again
    window.addEventListener("popstate", () => location.reload(), { once: true });
    window.scrollTo(0, 0);
    document.querySelector("#main h1").focus();
  }
}

const form = document.querySelector("#ask");
if (form) prepare(form);
