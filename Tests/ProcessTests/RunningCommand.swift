import Foundation

/// A command of the program that is under way, to be signalled and waited for.
final class RunningCommand: @unchecked Sendable {
    let process = Process()
    private let outPath: URL
    /// Held open: a command that reads its input waits.
    let input: FileHandle?

    /// With `isFed` the input is a pipe into which the test writes.
    init(_ arguments: [String], cluster: String, in folder: URL, isFed: Bool = false) throws {
        process.executableURL = URL(fileURLWithPath: LocalCluster.program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(["ATOLL_CLUSTER": cluster]) { $1 }
        process.currentDirectoryURL = folder
        // What a shell starts in the background ignores it, and so would all that is started from here.
        _ = Foundation.signal(SIGINT, SIG_DFL)
        outPath = folder.appendingPathComponent("out-\(UInt64.random(in: 0 ... .max))")
        _ = FileManager.default.createFile(atPath: outPath.path, contents: nil)
        let out = try FileHandle(forWritingTo: outPath)
        defer { try? out.close() }
        process.standardOutput = out
        process.standardError = out
        if isFed {
            // A command that has ended is no reason for this process to end.
            _ = Foundation.signal(SIGPIPE, SIG_IGN)
            let pipe = Pipe()
            process.standardInput = pipe
            input = pipe.fileHandleForWriting
        } else {
            process.standardInput = FileHandle.nullDevice
            input = nil
        }
        try process.run()
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? input?.close()
    }

    var output: String { String(decoding: (try? Data(contentsOf: outPath)) ?? Data(), as: UTF8.self) }

    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// False where it still runs at the deadline.
    func ends(within seconds: Double = 30) async -> Bool { await LocalCluster.eventually(within: seconds) { !self.process.isRunning } }

    func says(_ text: String, within seconds: Double = 30) async -> Bool {
        await LocalCluster.eventually(within: seconds) { self.output.contains(text) }
    }
}
