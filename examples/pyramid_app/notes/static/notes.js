// What the page does beyond HTML: it counts characters, shows times in the reader's zone, sends on Ctrl+Enter.
"use strict";

for (const line of document.querySelectorAll("[data-counts]")) {
  const box = document.getElementById(line.dataset.counts);
  const limit = box.maxLength;
  // The server counts code points, as Python does; a browser's length counts an emoji as two.
  const show = () => {
    const left = limit - Array.from(box.value).length;
    line.textContent = left < 0 ? `${-left} characters too many` : `${left} of ${limit} characters left`;
    line.classList.toggle("few", left < limit / 10);
  };
  box.addEventListener("input", show);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) box.form.requestSubmit();
  });
  show();
}

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]")) {
  time.title = time.textContent.trim();
  time.textContent = clock.format(new Date(time.dateTime));
}
