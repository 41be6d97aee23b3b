// A short tone for a critical alert. Off until someone turns it on, on this device.
import { keepChoice, readChoice } from '../page/choice';

const KEPT = 'sound';

/** Two notes, Hz, and how long each sounds, s. */
const NOTES = [880, 660] as const;
const NOTE_S = 0.14;
const LOUD = 0.16;
/** How long a note swells and fades, s: a sudden edge clicks. */
const EDGE_S = 0.015;

export class Tone {
  readonly #switches: readonly HTMLInputElement[];
  readonly #stop = new AbortController();
  #on = readChoice(KEPT) === 'on';
  #context: AudioContext | null = null;

  constructor(root: ParentNode) {
    this.#switches = [...root.querySelectorAll<HTMLInputElement>('[data-sound]')];
  }

  start(): void {
    const { signal } = this.#stop;
    for (const one of this.#switches) {
      one.checked = this.#on;
      one.addEventListener('change', () => this.#turn(one.checked), { signal });
    }
    // A browser lets a page sound only after someone touched it.
    const wake = (): void => { if (this.#on) void this.#open()?.resume(); };
    document.addEventListener('pointerdown', wake, { signal });
    document.addEventListener('keydown', wake, { signal });
  }

  stop(): void {
    this.#stop.abort();
    void this.#context?.close();
  }

  /** Sounds, when it is on. */
  sound(): void {
    const context = this.#on ? this.#open() : null;
    if (!context || context.state !== 'running') return;
    NOTES.forEach((note, i) => this.#note(context, note, context.currentTime + i * NOTE_S));
  }

  #turn(on: boolean): void {
    this.#on = on;
    keepChoice(KEPT, on ? 'on' : 'off');
    for (const one of this.#switches) one.checked = on;
    if (on) void this.#open()?.resume().then(() => this.sound());
  }

  #open(): AudioContext | null {
    if (this.#context === null && typeof AudioContext === 'function') this.#context = new AudioContext();
    return this.#context;
  }

  #note(context: AudioContext, note: number, at: number): void {
    const [wave, volume] = [context.createOscillator(), context.createGain()];
    wave.frequency.value = note;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(LOUD, at + EDGE_S);
    volume.gain.setValueAtTime(LOUD, at + NOTE_S - EDGE_S);
    volume.gain.linearRampToValueAtTime(0, at + NOTE_S);
    wave.connect(volume).connect(context.destination);
    wave.start(at);
    wave.stop(at + NOTE_S);
  }
}
