// The job systems of Node.js that bench compares with: node.go starts this, in one of two ways.
//
//   node peers.mjs serve SYSTEM ADDRESS   obeys orders, a line of JSON each, and answers each with one
//   node peers.mjs work SYSTEM ADDRESS    is a worker process, as worker.go describes it
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

const quiet = () => {}

// Each system: prepare, enqueue(n), enqueueMany(ns), start(performed), unfinished, close.
const systems = {
	async 'graphile-worker'(address) {
		const { Logger, makeWorkerUtils, run } = await import('graphile-worker')
		const { Pool } = (await import('pg')).default
		const pool = new Pool({ connectionString: address, max: 50 })
		pool.on('error', console.error)
		pool.on('connect', client => client.on('error', console.error))
		const logger = new Logger(() => (level, message) => { if (level === 'error') console.error(message) })
		const utils = await makeWorkerUtils({ pgPool: pool, logger })
		let runner
		return {
			prepare: () => utils.migrate(),
			enqueue: n => utils.addJob('noop', { n }),
			enqueueMany: ns => utils.addJobs(ns.map(n => ({ identifier: 'noop', payload: { n } }))),
			async start(performed) {
				runner = await run({
					pgPool: pool, logger, noHandleSignals: true,
					taskList: { noop: async payload => performed(payload.n) },
					preset: { worker: { concurrentJobs: 24, localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
				})
			},
			async unfinished() {
				const { rows } = await pool.query('SELECT EXISTS (SELECT FROM graphile_worker._private_jobs) AS some')
				return rows[0].some
			},
			async close() {
				await runner?.stop()
				await utils.release()
				await pool.end().catch(quiet)
			},
		}
	},

	async 'pg-boss'(address) {
		const { PgBoss } = await import('pg-boss')
		const { Pool } = (await import('pg')).default
		const boss = new PgBoss({ connectionString: address, max: 50 })
		boss.on('error', console.error)
		await boss.start()
		const pool = new Pool({ connectionString: address, max: 1 })
		return {
			prepare: () => boss.createQueue('noop'),
			enqueue: n => boss.send('noop', { n }),
			enqueueMany: ns => boss.insert('noop', ns.map(n => ({ data: { n } }))),
			async start(performed) {
				for (let worker = 0; worker < 10; worker++)
					await boss.work('noop', { batchSize: 5000, pollingIntervalSeconds: 0.5 }, async jobs => jobs.forEach(job => performed(job.data.n)))
			},
			async unfinished() {
				const { rows } = await pool.query(`SELECT EXISTS (SELECT FROM pgboss.job WHERE name = 'noop' AND state < 'completed') AS some`)
				return rows[0].some
			},
			async close() {
				await boss.stop({ graceful: true, timeout: 5000 })
				await pool.end()
			},
		}
	},

	async bullmq(address) {
		const { Queue, Worker } = await import('bullmq')
		const [host, port] = address.split(':')
		const connection = { host, port: Number(port), maxRetriesPerRequest: null }
		const queue = new Queue('noop', { connection })
		let worker
		return {
			prepare: () => queue.waitUntilReady(),
			enqueue: n => queue.add('noop', { n }),
			enqueueMany: ns => queue.addBulk(ns.map(n => ({ name: 'noop', data: { n } }))),
			async start(performed) {
				worker = new Worker('noop', async job => performed(job.data.n), { connection, concurrency: 100 })
				worker.on('error', console.error)
				await worker.waitUntilReady()
			},
			async unfinished() {
				const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'prioritized')
				return Object.values(counts).some(count => count > 0)
			},
			async close() {
				await worker?.close()
				await queue.close()
			},
		}
	},
}

// storeFor enqueues one by one from some callers for a while.
async function storeFor(system, callers, millis) {
	const end = performance.now() + millis
	let stored = 0
	const call = async () => {
		while (performance.now() < end) {
			await system.enqueue(123)
			stored++
		}
	}
	await Promise.all(Array.from({ length: callers }, call))
	return stored
}

// delays returns microseconds from before the enqueueing to the handler, of one job every so often.
async function delays(system, count, every) {
	const began = new Array(count)
	const taken = new Array(count)
	let left = count
	await new Promise(async (resolve, reject) => {
		try {
			await system.start(n => {
				if (taken[n] === undefined) {
					taken[n] = (performance.now() - began[n]) * 1000
					if (--left === 0) resolve()
				}
			})
			const start = performance.now()
			for (let n = 0; n < count; n++) {
				await pause(Math.max(0, start + n * every - performance.now()))
				began[n] = performance.now()
				await system.enqueue(n)
			}
		} catch (error) {
			reject(error)
		}
	})
	return taken
}

async function obey(system, order) {
	switch (order.do) {
	case 'prepare': await system.prepare(); return
	case 'enqueue': await system.enqueue(order.jobs[0]); return
	case 'enqueueMany': await system.enqueueMany(order.jobs); return
	case 'storeFor': return storeFor(system, order.callers, order.millis)
	case 'delays': return delays(system, order.count, order.millis)
	case 'unfinished': return system.unfinished()
	}
	throw new Error(`there is no order ${order.do}`)
}

async function serve(system) {
	for await (const line of createInterface({ input: process.stdin })) {
		let reply
		try {
			reply = { value: (await obey(system, JSON.parse(line))) ?? null }
		} catch (error) {
			reply = { error: String(error?.stack ?? error) }
		}
		process.stdout.write(JSON.stringify(reply) + '\n')
	}
}

async function work(system) {
	const lines = createInterface({ input: process.stdin })
	const begin = once(lines, 'line')
	const end = once(lines, 'close')
	process.stdout.write('ready\n')
	await begin
	let performed = 0, told = 0
	const tell = setInterval(() => {
		if (performed === told) return
		told = performed
		process.stdout.write(told + '\n')
	}, 2)
	await system.start(() => { performed++ })
	await end
	clearInterval(tell)
	const peak = /VmHWM:\s*(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]
	process.stdout.write(`peak ${peak * 1024}\n`)
}

const [mode, name, address] = process.argv.slice(2)
const system = await systems[name](address)
await (mode === 'work' ? work : serve)(system)
await system.close()
process.exit(0)
