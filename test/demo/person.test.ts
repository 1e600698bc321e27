/** What the demo makes of another member's data, good and bad. */
import { expect, it } from 'vitest'
import { freeColor, inkOn, PALETTE } from '../../demo/colors.ts'
import { cleanLine, readPerson } from '../../demo/person.ts'

const of = (data: unknown, name = 'bob') =>
  readPerson({ connectionId: 'connection-of-bob-0001', id: 'bob', name, data, timestamp: 1 }, 'connection-of-alice-01')

it('[D4] well-formed data is shown as it was sent', () => {
  const data = { name: 'Bob', color: '#2371b3', status: 'busy', cursor: { x: 0.25, y: 1 }, isTyping: true }
  expect(of(data)).toMatchObject(data)
})

it.each([
  ['a string', 'hello'],
  ['null', null],
  ['an array', [1, 2]],
  ['wrong types', { name: 7, color: 7, status: 7, cursor: 7, isTyping: 'yes' }],
  ['wrong values', { name: ' \n ', color: 'red;background:url(//x)', status: 'hidden', cursor: { x: 0.5, y: 1.01 } }],
  ['numbers out of range', { cursor: { x: -0.1, y: Number.NaN } }],
])('[D4] data that is %s is shown as if it were not there', (_what, data) => {
  const person = of(data)
  expect(person).toMatchObject({ name: 'bob', status: 'online', cursor: null, isTyping: false })
  expect(person.color).toMatch(/^#[0-9a-f]{6}$/)
})

it('[D4] a member without any name is somebody', () => {
  expect(of({}, '').name).toBe('Somebody')
})

it('[D4] a name is one line of at most 32 characters, without characters that hide or turn text', () => {
  expect(cleanLine('a\u202egnp.exe\u0000\nb', 32)).toBe('a gnp.exe b')
  expect([...cleanLine('🙂'.repeat(100), 32)]).toHaveLength(32)
})

it.each([
  ['#ffffff', '#111111'],
  ['#ffe066', '#111111'],
  ['#2371b3', '#ffffff'],
  ['#000000', '#ffffff'],
])('[D14] the ink on %s is %s', (color, ink) => {
  expect(inkOn(color)).toBe(ink)
})

it('[D16] a colour of the palette gives way to the same one of somebody earlier, and takes one that nobody has', () => {
  const [first, second, third] = PALETTE
  expect(freeColor(first, [first, second], [first, second, first])).toBe(third)
  expect(freeColor(first, [second], [second, first, first])).toBeUndefined()
  expect(freeColor('#abcdef', ['#abcdef'], ['#abcdef', '#abcdef'])).toBeUndefined()
  expect(freeColor(first, PALETTE, PALETTE)).toBeUndefined()
})
