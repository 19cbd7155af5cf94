// ImapFlow: fetches all rows of the mailbox and reports what that cost, as JSON. It is looked for where NODE_PATH says.
import { createRequire } from 'node:module'

const require = createRequire((process.env.NODE_PATH ?? process.cwd()) + '/')
let flow, version
try {
  flow = require('imapflow')
  version = require('imapflow/package.json').version
} catch {
  console.log(JSON.stringify({ skipped: 'imapflow is not installed: npm install imapflow, and NODE_PATH=that/node_modules' }))
  process.exit(0)
}

const table = new Uint32Array(256).map((_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1
  return n
})
function crc32(text) {
  let crc = ~0
  for (const byte of Buffer.from(text)) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8)
  return ~crc >>> 0
}

function leaves(part) {
  const children = part.childNodes ?? []
  return children.reduce((n, child) => n + leaves(child), part.type.startsWith('multipart/') ? 0 : 1)
}

const client = new flow.ImapFlow({
  host: process.argv[2], port: Number(process.argv[3]), secure: false, doSTARTTLS: false,
  auth: { user: 'jo', pass: 'pass' }, logger: false, disableAutoIdle: true,
})
await client.connect()
await client.mailboxOpen('INBOX', { readOnly: true })
const totals = { messages: 0, uids: 0, sizes: 0, decoded: 0, addresses: 0, leaves: 0 }
const subjects = []
const cpu = process.cpuUsage()
const began = process.hrtime.bigint()
const want = { uid: true, flags: true, internalDate: true, size: true, envelope: true, bodyStructure: true }
for await (const row of client.fetch('1:*', want)) {
  totals.messages++
  totals.uids += row.uid
  totals.sizes += row.size
  subjects.push(row.envelope.subject ?? '')
  for (const name of ['from', 'sender', 'replyTo', 'to', 'cc', 'bcc']) totals.addresses += row.envelope[name]?.length ?? 0
  totals.leaves += leaves(row.bodyStructure)
}
const wall = Number(process.hrtime.bigint() - began) / 1e9
const used = process.cpuUsage(cpu)
for (const subject of subjects) totals.decoded += crc32(subject)
console.log(JSON.stringify({
  totals, user_seconds: used.user / 1e6, system_seconds: used.system / 1e6, wall_seconds: wall,
  version: `ImapFlow ${version}, Node.js ${process.version}`,
}))
await client.logout()
