// Puts the page together.

import * as form from "./form.js";
import * as gallery from "./gallery.js";
import * as tasks from "./tasks.js";

form.start((task, prompt) => tasks.follow({ ...task, prompt }));
tasks.start((task) => gallery.add(task.images));
gallery.start();
