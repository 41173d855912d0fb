import Foundation
import Synchronization

/// The event log of one run: a line an event, `microseconds node what`.
final class TraceFile: Sendable {
    private let handle: FileHandle
    private let buffer = Mutex<[UInt8]>([])

    init(_ path: String, header: TraceHeader) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil), let handle = FileHandle(forWritingAtPath: path) else {
            throw CommandFailure("simulate", "--trace \(path)", "it cannot be written", hint: "name a file in a folder that exists")
        }
        self.handle = handle
        for line in header.lines { write(line) }
    }

    func write(_ line: String) {
        let full: [UInt8]? = buffer.withLock { buffer in
            buffer += line.utf8
            buffer.append(UInt8(ascii: "\n"))
            guard buffer.count >= 1 << 20 else { return nil }
            defer { buffer = [] }
            return buffer
        }
        if let full { try? handle.write(contentsOf: full) }
    }

    func close() throws {
        try handle.write(contentsOf: buffer.withLock { $0 })
        try handle.close()
    }
}
