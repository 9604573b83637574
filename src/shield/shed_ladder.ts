/**
 * Decides how much is left out, from what was seen: figures in, steps out. Up by a step a look while a class is behind,
 * down by a step after a long calm, so that what was taken off comes back a little at a time. Pure.
 */
import {
  ANSWERING_STEP_MAX,
  SHED_CLASSES,
  SHED_STEPS,
  type ShedClass,
  type ShedStep,
  stretchInterval,
} from "./shed_steps.ts";

/** Requests of a class in a second below which it is not behind, whatever is seen: so few are not what holds it up. */
const REQUESTS_MIN = 1000;
/** Share of a class's datagrams that may be lost: 1 %, which clients make up for by asking again. */
const LOST_SHARE_MAX = 0.01;
/** Share of a socket's queue that may be full: half of it is left for a burst. */
const QUEUE_SHARE_MAX = 0.5;
/** How late the timers of a front may come: what a client waits in the tracker, at least. */
const LATE_MS_MAX = 100;
/** Of each of these, what a calm class stays below. */
const CALM_SHARE = 0.2;
/** Looks in a row that begin it: one is a hiccup. */
const LOOKS_MIN = 2;
/** Calm before each step down: long beside the second in which a step up is taken, short beside an interval. */
export const CALM_SECONDS = 30;
/** Clients are told an interval up to this much longer than the setting. */
const JITTER_PERCENT = 10;

/** What was seen of a class since the last look, as far as the class has a part in it. */
export interface ShedLoad {
  /** Requests, or datagrams, that fronts have had. */
  readonly received: number;
  /** Datagrams that the kernel had no room for. */
  readonly lost: number;
  /** How full the fullest queue of its sockets is: 0 to 1. */
  readonly queueShare: number;
  /** How late the timers of the latest front came, on average. */
  readonly lateMs: number;
}

/** A step that was taken. */
export interface ShedChange {
  readonly shedClass: ShedClass;
  readonly step: number;
  /** One for the operator. */
  readonly sentence: string;
}

/** The ladders of all classes. */
export class ShedLadders {
  readonly #ladders: Readonly<Record<ShedClass, Ladder>> = {
    http4: new Ladder(ANSWERING_STEP_MAX),
    http6: new Ladder(ANSWERING_STEP_MAX),
    udp4: new Ladder(SHED_STEPS.length - 1),
    udp6: new Ladder(SHED_STEPS.length - 1),
  };

  /** The numbers of the steps in force. */
  get steps(): Readonly<Record<ShedClass, number>> {
    const { http4, http6, udp4, udp6 } = this.#ladders;
    return { http4: http4.step, http6: http6.step, udp4: udp4.step, udp6: udp6.step };
  }

  /** The longest stretch in force. */
  get stretch(): number {
    return Math.max(...SHED_CLASSES.map((name) => SHED_STEPS[this.#ladders[name].step]!.stretch));
  }

  /** One look, about a second after the last. `second`: on the monotonic clock. Returns the steps taken. */
  look(second: number, loads: Readonly<Record<ShedClass, ShedLoad>>): ShedChange[] {
    return SHED_CLASSES.flatMap((shedClass) => {
      const ladder = this.#ladders[shedClass], before = ladder.step, step = ladder.look(second, loads[shedClass]);
      if (step === before) return [];
      return [{ shedClass, step, sentence: describeChange(shedClass, before, step, loads[shedClass]) }];
    });
  }
}

class Ladder {
  step = 0;
  readonly #stepMax: number;
  #looksBehind = 0;
  /** When the calm began, or the last step down was taken. */
  #calmSince: number | undefined;

  constructor(stepMax: number) {
    this.#stepMax = stepMax;
  }

  look(second: number, load: ShedLoad): number {
    const isBehind = load.received + load.lost >= REQUESTS_MIN && exceeds(load, 1);
    this.#looksBehind = isBehind ? this.#looksBehind + 1 : 0;
    if (isBehind) {
      this.#calmSince = undefined;
      // Whom the kernel turns away at random had better be turned away by us, who know whom it hurts least.
      const stepMax = isLosing(load, 1) ? this.#stepMax : Math.min(this.#stepMax, ANSWERING_STEP_MAX);
      if (this.#looksBehind >= LOOKS_MIN && this.step < stepMax) this.step++;
    } else if (exceeds(load, CALM_SHARE) && load.received + load.lost >= REQUESTS_MIN) this.#calmSince = undefined;
    else this.#calm(second);
    return this.step;
  }

  #calm(second: number): void {
    this.#calmSince ??= second;
    if (this.step === 0 || second - this.#calmSince < CALM_SECONDS) return;
    this.step--;
    this.#calmSince = second;
  }
}

// Whether any figure is at `share` of its limit, or above.
function exceeds(load: ShedLoad, share: number): boolean {
  return isLosing(load, share) || load.queueShare >= QUEUE_SHARE_MAX * share || load.lateMs >= LATE_MS_MAX * share;
}

function isLosing({ received, lost }: ShedLoad, share: number): boolean {
  return lost > 0 && lost >= (received + lost) * LOST_SHARE_MAX * share;
}

/**
 * How long peers are remembered: while clients were told to come back later, and until they have, longer by as much.
 */
export class PeerAge {
  readonly #minutesMax: number;
  readonly #intervalSeconds: number;
  #stretch = 1;
  #until = 0;

  /** The operator's figures. */
  constructor(minutesMax: number, intervalSeconds: number) {
    this.#minutesMax = minutesMax;
    this.#intervalSeconds = intervalSeconds;
  }

  /** Minutes at `second`, with intervals `stretch` times as long. */
  look(second: number, stretch: number): number {
    if (second >= this.#until) this.#stretch = 1;
    this.#stretch = Math.max(this.#stretch, stretch);
    const seconds = this.#intervalSeconds, stretched = stretchInterval(seconds, this.#stretch);
    if (stretch > 1) this.#until = second + Math.ceil(stretched * (100 + JITTER_PERCENT) / 100);
    return Math.ceil(this.#minutesMax * stretched / seconds);
  }
}

const CLASS_NAMES: Readonly<Record<ShedClass, string>> = {
  http4: "HTTP over IPv4",
  http6: "HTTP over IPv6",
  udp4: "UDP over IPv4",
  udp6: "UDP over IPv6",
};

function describeChange(shedClass: ShedClass, before: number, step: number, load: ShedLoad): string {
  const does = describeStep(SHED_STEPS[step]!), name = CLASS_NAMES[shedClass];
  if (step > before) return `shedding: ${name} is behind (${describeLoad(load)}): step ${step}, ${does}`;
  return `shedding: ${name} keeps up for ${CALM_SECONDS} s: step ${step}, ${does}`;
}

function describeLoad({ received, lost, queueShare, lateMs }: ShedLoad): string {
  const parts = lost > 0 ? [`${lost} of ${received + lost} datagrams lost`] : [`${received} requests`];
  if (queueShare > 0) parts.push(`a queue ${Math.round(queueShare * 100)} % full`);
  if (lateMs >= 1) parts.push(`answers ${Math.round(lateMs)} ms late`);
  return parts.join(", ");
}

function describeStep({ stretch, peersMax, connectEighths, otherEighths }: ShedStep): string {
  if (stretch === 1) return "everyone is served as usual";
  const parts = [`intervals are ${stretch} times as long`];
  if (peersMax < Infinity) parts.push(`replies have at most ${peersMax} peers`);
  if (connectEighths > 0) parts.push(`${connectEighths} of 8 connects are not answered`);
  if (otherEighths > 0) parts.push(`${otherEighths} of 8 other datagrams are not answered`);
  return parts.join(", ");
}
