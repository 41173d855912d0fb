import APISchema
import Foundation
import Storage

/// What `bench chunks` found for one input. Rates are of the input's bytes, in millions a second.
struct ChunkFigures: Sendable, JSONEncodable {
    struct Rate: Sendable {
        /// Per second of processor time, of all threads together: per core.
        var perCore: Spread
        var byClock: Spread

        init(_ laps: [Lap], bytes: Int) {
            perCore = Spread(laps.map { Double(bytes) / 1e6 / max($0.processorSeconds, 1e-9) })
            byClock = Spread(laps.map { Double(bytes) / 1e6 / max($0.wallSeconds, 1e-9) })
        }
    }

    /// Part of the sequential rate that an ingest reaches per core, at least.
    static let goal = 0.65
    /// Rate of an ingest of known bytes, or else its ceiling is the machine's.
    static let repeatedGoal = 1_000.0

    let input: BenchInput
    let chunks: Int
    let storedBytes: UInt64
    let rounds: Int
    let sequential: Rate
    let ingest: Rate
    let hashing: Rate
    let repeated: Rate
    let write: Rate
    /// Ingest over sequential, per core, within each round.
    let ingestShare: Spread
    /// Ingest of known bytes over chunking and hashing, per core.
    let repeatedShare: Spread
    /// Ingest by the clock over the plain write.
    let writeShare: Spread
    /// Cores that an ingest can use: the feeding thread and the store's workers.
    let cores: Int
    /// What chunking and hashing alone would allow on those.
    let ceiling: Spread

    init(_ input: BenchInput, _ outcome: ChunkBench.Outcome) {
        self.input = input
        chunks = outcome.chunks
        storedBytes = outcome.storedBytes
        rounds = outcome.rounds.count
        let count = input.bytes.count
        sequential = Rate(outcome.rounds.map(\.sequential), bytes: count)
        ingest = Rate(outcome.rounds.map(\.ingest), bytes: count)
        hashing = Rate(outcome.rounds.map(\.hashing), bytes: count)
        repeated = Rate(outcome.rounds.map(\.repeated), bytes: count)
        write = Rate(outcome.rounds.map(\.write), bytes: count)
        ingestShare = Spread(outcome.rounds.map { $0.sequential.processorSeconds / $0.ingest.processorSeconds })
        repeatedShare = Spread(outcome.rounds.map { $0.hashing.processorSeconds / $0.repeated.processorSeconds })
        writeShare = Spread(outcome.rounds.map { $0.write.wallSeconds / $0.ingest.wallSeconds })
        let cores = min(ProcessInfo.processInfo.activeProcessorCount, 1 + ChunkStoreOptions().workers)
        self.cores = cores
        ceiling = Spread(outcome.rounds.map { Double(count) / 1e6 / $0.hashing.processorSeconds * Double(cores) })
    }

    func show() {
        let percent = storedBytes * 100 / UInt64(input.bytes.count)
        Terminal.line(
            "\(input.name.capitalizedFirst): \(Show.bytes(UInt64(input.bytes.count))) of \(input.source); \(chunks) chunks, stored in \(percent) %."
        )
        var table = Table("Step", ">MB/s per core", ">MB/s by the clock")
        func add(_ step: String, _ rate: Rate) { table.add(step, rate.perCore.text, rate.byClock.text) }
        add("chunk, hash, compress: one after the other, one thread", sequential)
        add("ingest into a new store, durable", ingest)
        add("chunk, hash: one after the other, one thread", hashing)
        add("ingest of what the store has", repeated)
        table.add("write and fdatasync of the same bytes, nothing else", "-", write.byClock.text)
        table.show()
        Terminal.line(
            "Ingest per core is \(ingestShare.percent) of the steps one after the other (at least \(Int(Self.goal * 100)) % wanted: \(ingestShare.median >= Self.goal ? "met" : "missed")); by the clock \(writeShare.precise) times the plain write."
        )
        let gigabytes = String(format: "%.2f", repeated.byClock.median / 1_000)
        let verdict =
            repeated.byClock.median >= Self.repeatedGoal
            ? "above 1 GB/s"
            : ceiling.median < Self.repeatedGoal ? "below 1 GB/s, as is the ceiling" : "below 1 GB/s, though the ceiling is above"
        Terminal.line(
            "Known bytes go in at \(gigabytes) GB/s by the clock (\(verdict)): chunking and hashing alone on \(cores) cores allow \(String(format: "%.2f", ceiling.median / 1_000)) GB/s; per core \(repeatedShare.percent) of these two steps."
        )
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("input", input.name)
            writer.field("source", input.source)
            writer.field("bytes", input.bytes.count)
            writer.field("chunks", chunks)
            writer.field("stored_bytes", storedBytes)
            writer.field("rounds", rounds)
            for (name, rate) in [
                ("sequential_chunk_hash_compress", sequential), ("ingest", ingest), ("sequential_chunk_hash", hashing),
                ("ingest_known", repeated), ("plain_write_fdatasync", write),
            ] {
                writer.field("\(name)_mb_per_cpu_s", rate.perCore)
                writer.field("\(name)_mb_per_s", rate.byClock)
            }
            writer.field("ingest_share_per_core", ingestShare)
            writer.field("ingest_known_share_per_core", repeatedShare)
            writer.field("ingest_over_plain_write", writeShare)
            writer.field("cores_used", cores)
            writer.field("ingest_known_ceiling_mb_per_s", ceiling)
        }
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
