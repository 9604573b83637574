/** Runs the same piece of work in several threads at once and collects what each makes of it. */

interface ThreadSelf {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
}

/** The thread's side: does `work` with the task it is handed. */
export function threadBody<Task, Result>(work: (task: Task) => Result): void {
  const thread = self as unknown as ThreadSelf;
  thread.onmessage = ({ data }) => {
    if (data === "are you there?") thread.postMessage("ready");
    else thread.postMessage(work(data));
  };
}

/** Starts `count` threads from the module, hands each its task when all are there, and returns their results. */
export async function runThreads<Task, Result>(
  url: string,
  count: number,
  taskOf: (index: number) => Task,
): Promise<Result[]> {
  const threads = Array.from({ length: count }, () => new Worker(url, { type: "module" }));
  try {
    await Promise.all(threads.map((thread) => ask(thread, "are you there?")));
    return await Promise.all(threads.map((thread, index) => ask<Result>(thread, taskOf(index))));
  } finally {
    for (const thread of threads) thread.terminate();
  }
}

function ask<Result>(thread: Worker, question: unknown): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  thread.onmessage = ({ data }) => resolve(data);
  thread.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  thread.postMessage(question);
  return promise;
}
