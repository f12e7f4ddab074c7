import { effect } from "@preact/signals";
import { render } from "preact";
import { App } from "./page/app.js";
import { batchWord } from "./shared/status.js";
import { zone } from "./choices/preferences.js";
import { LiveFeed } from "./feed/live.js";
import { Landings } from "./feed/landing.js";
import { chosenBatch, shownBatch } from "./choices/place.js";
import { landing } from "./choices/routes.js";
import { visible } from "./text/names.js";

const root = document.getElementById("app");
if (!root) throw new Error("index.html has no element #app");
const feed = new LiveFeed();
const landings = new Landings();
effect(() => feed.follow(chosenBatch.value));
effect(() => {
  shownBatch.value = feed.state.batch.value?.id ?? null;
});
effect(() => {
  landing.value = landings.of(feed.state);
});
effect(() => {
  const batch = feed.state.batch.value;
  document.title = batch
    ? `${visible(batch.name)}: ${batchWord(batch, feed.state.serverNow(), zone.value)} · Cofi`
    : "Cofi";
});
render(<App feed={feed} />, root);
