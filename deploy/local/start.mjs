/** `npm start [-- arguments of the gateway]`: set-up, an incremental build, then the gateway in this very process. */
import { launch } from './launch.mjs';

await launch('apps/standalone/dist/main.js');
