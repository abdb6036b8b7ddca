// Starts PLC, PDS and AppView on loopback, prints one JSON line with their addresses, and ends with standard input.
'use strict'

const net = require('node:net')
const path = require('node:path')
const { createRequire } = require('node:module')

// The parts listen on every interface by default; a test network is nobody else's business.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (first, ...rest) {
  if (typeof first === 'number' || (typeof first === 'string' && /^\d+$/.test(first))) {
    const others = rest.filter((value) => typeof value !== 'string')
    return listen.call(this, Number(first), '127.0.0.1', ...others)
  }
  if (first && typeof first === 'object' && first.port !== undefined) {
    return listen.call(this, { ...first, host: '127.0.0.1' }, ...rest)
  }
  return listen.call(this, first, ...rest)
}

const parts = createRequire(path.join(process.env.KITH_ATPROTO_DIR, 'package.json'))
const { TestNetwork } = parts('@atproto/dev-env')

async function main() {
  const network = await TestNetwork.create({
    pds: { hostname: 'localhost', enableDidDocWithSession: true },
    bsky: { dbPostgresSchema: 'bsky', publicUrl: 'http://localhost' },
    ozone: { dbMaterializedViewRefreshIntervalMs: 3600000 },
  })
  const close = async () => {
    setTimeout(() => process.exit(0), 3000).unref()
    await network.close().catch(() => undefined)
    process.exit(0)
  }
  process.stdin.resume().on('end', close)
  process.on('SIGTERM', close)
  process.stdout.write(
    JSON.stringify({ pds: network.pds.url, appview: network.bsky.url, plc: network.plc.url }) + '\n',
  )
}

// A background error of one part (a closed socket at the end, say) is no reason to take the network down.
process.on('unhandledRejection', (error) => process.stderr.write(`unhandled: ${error}\n`))
main().catch((error) => {
  process.stderr.write(`${error.stack || error}\n`)
  process.exit(1)
})
