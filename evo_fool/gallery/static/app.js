// Where every page begins: help for all of them, and what each page needs by itself.

import { ComparePage } from "./compare-page.js";
import { ElitePage } from "./elite-page.js";
import { offerHelp } from "./keys.js";
import { PlotsPage } from "./plots-page.js";
import { RunPage } from "./run-page.js";
import { RunsPage } from "./runs-page.js";

const PAGES = { runs: RunsPage, run: RunPage, individual: ElitePage, compare: ComparePage, plots: PlotsPage };

offerHelp();
const Page = PAGES[document.body.dataset.page];
if (Page) new Page().begin();
