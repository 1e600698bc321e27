/** The pill that tells the way to the server, and the notice of what it means. */
import { type Connection, type ConnectionOptions, sayConnection, sayConsequence } from './connection.ts'
import { find, setData, setText } from './dom.ts'

export interface ConnectionView {
  show(connection: Connection, othersCount: number): void
}

export function createConnectionView(options: ConnectionOptions): ConnectionView {
  const pill = find('connection-state', HTMLElement)
  const notice = find('notice', HTMLElement)
  return {
    show({ state }, othersCount) {
      setData(pill, { state })
      setText(pill, sayConnection(state, options))
      const consequence = sayConsequence(state, options, othersCount)
      setText(notice, consequence)
      notice.hidden = consequence === ''
    },
  }
}
