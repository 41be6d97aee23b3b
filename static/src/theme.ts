// Runs before the first paint: what was chosen on this device is worn at once. Bundled apart from the page's script.
import { readChoice } from './page/choice';

const theme = readChoice('theme');
if (theme === 'dark' || theme === 'light') document.documentElement.dataset['theme'] = theme;
const room = readChoice('room');
if (room === 'folded' || (room === 'open' && window.innerWidth >= 1024)) document.documentElement.dataset['room'] = room;
