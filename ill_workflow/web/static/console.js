// What every page does. Small, and never the only way: without it forms and links work as they are.
"use strict";
