/** When a room is asked for its awareness: at once, then at most once per interval, and never less than asked for. */

export interface QueryRounds<Asker> {
  /** Somebody wants to know who is here. */
  ask(asker: Asker): void
  /** Leaves no timer. */
  stop(): void
}

/** `query` asks everybody but `asker`, or everybody where several asked since the last round. */
export function createQueryRounds<Asker>(
  intervalMs: number,
  query: (asker: Asker | undefined) => void,
): QueryRounds<Asker> {
  const askers = new Set<Asker>()
  let timer: NodeJS.Timeout | undefined

  const round = () => {
    timer = undefined
    if (askers.size === 0) return
    const [first] = askers
    const onlyAsker = askers.size === 1 ? first : undefined
    askers.clear()
    timer = setTimeout(round, intervalMs)
    query(onlyAsker)
  }

  return {
    ask(asker) {
      askers.add(asker)
      if (timer === undefined) round()
    },
    stop() {
      clearTimeout(timer)
      askers.clear()
    },
  }
}
