import APISchema
import ArgumentParser
import Foundation

/// `atoll bench chunks`: what chunking, hashing, compressing and storing cost.
struct BenchChunks: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chunks", abstract: "Measure the chunk store next to its steps done one after the other.",
        discussion: """
            Two inputs: random bytes, which nothing compresses, and machine code (this program, or --input). In each round the same bytes are chunked, \
            hashed and compressed on one thread, ingested into a new store until durable, ingested again, and plainly written. Per core \
            means per second of processor time, of all threads of the process. The steps one after the other compress each new chunk in full; \
            the store tries a sample first, and leaves what does not shrink. Figures are medians with the lowest and the highest round.
            """)

    @Option(help: "Bytes of each input, held in memory: 1 MiB to 4 GiB (default 256 MiB).")
    var bytes = 256 << 20

    @Option(help: "A file or directory to measure in place of the program.")
    var input: String?

    @Option(help: "Rounds, 1 to 100, after one that is not counted.")
    var rounds = 5

    @Option(help: "Where the files go that are written (default: TMPDIR, else /var/tmp).")
    var scratch: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (BenchInput.minimumBytes...4 << 30).contains(bytes) else { throw ValidationError("--bytes must be 1048576 to 4294967296") }
        guard (1...100).contains(rounds) else { throw ValidationError("--rounds must be 1 to 100") }
    }

    func run() async throws {
        let sources: [@Sendable () throws -> BenchInput] = [
            { [bytes] in .random(bytes) },
            { [bytes, input] in try input.map { try .file($0, bytes) } ?? .machineCode(bytes) },
        ]
        // A wrong --input is told before anything is measured.
        if let input { _ = try BenchInput.file(input, BenchInput.minimumBytes) }
        let isJSON = output.json
        if Terminal.errorIsTerminal { Terminal.error("Measuring two inputs in \(rounds + 1) rounds…") }
        let (disk, note, figures, others) = try await Interruptible.run("bench chunks") { [scratch, bytes, rounds] stop in
            try await BenchDirectory.run("bench chunks", in: scratch, needs: UInt64(bytes) * 2 + 128 << 20) { directory in
                let others = OtherWork()
                var all: [ChunkFigures] = []
                for source in sources {
                    let figures = try await Interruptible.thread {
                        let input = try source()
                        return ChunkFigures(
                            input, try ChunkBench(input: input, rounds: rounds, directory: directory.path, stop: stop).run())
                    }
                    all.append(figures)
                }
                // Shown when the directory is gone: a reader that goes away ends the program at once.
                return (directory.disk, directory.note, all, others.cores())
            }
        }
        if !isJSON {
            announce(disk, note)
            for one in figures { one.show() }
        }
        if let note = OtherWork.note(others) { Terminal.error(note) }
        guard isJSON else { return }
        Show.json { writer in
            writer.object {
                $0.field("build", Bench.build)
                $0.field("machine", Machine.processor)
                $0.field("disk", disk)
                $0.field("note", note)
                $0.field("cores_used_by_others", others)
                $0.field("inputs", figures)
            }
        }
    }

    private func announce(_ disk: String, _ note: String?) {
        if let note = Bench.buildNote { Terminal.error(note) }
        if let note { Terminal.error(note) }
        Terminal.line(
            "\(Machine.processor); \(disk). Median of \(rounds) \(rounds == 1 ? "round" : "rounds") (lowest–highest); MB is 1,000,000 bytes."
        )
    }
}

extension Machine {
    /// `2 × Intel Xeon …, 7.8 GiB of memory`
    static var processor: String { String(description.prefix { $0 != ";" }) }
}
