import APISchema
import ArgumentParser
import Chunks
import Consensus
import Foundation
import Primitives
import Storage

/// `atoll inspect`: what is in a file of a data directory.
struct Inspect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what is in a segment of the log, a pack or a snapshot, piece by piece.",
        discussion: "It changes nothing; the file may be a running node's.")
    @Argument(help: "A .wal, .pack or .snap file.") var file: String
    @OptionGroup var output: OutputOptions

    private struct Row: JSONEncodable {
        var offset: UInt64
        var what: String
        var details: [String]

        func write(to writer: inout JSONWriter) {
            writer.object {
                $0.field("offset", offset)
                $0.field("what", what)
                $0.field("details", strings: details)
            }
        }
    }

    func run() async throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: file, isDirectory: &isDirectory) else {
            throw CommandFailure("inspect", file, "there is no such file")
        }
        guard !isDirectory.boolValue else {
            throw CommandFailure("inspect", file, "it is a directory", hint: "name a file; `atoll check` takes directories")
        }
        var rows: [Row] = []
        var isSound = true
        do throws(StorageError) {
            try FileInspection.run(file) { piece in
                let row = Self.row(piece)
                if case .unsound = piece.content { isSound = false }
                if output.json { rows.append(row) } else { Terminal.line(Self.line(row)) }
            }
        } catch {
            throw CommandFailure("inspect", file, "\(error)")
        }
        if output.json { Show.json("pieces", rows) }
        guard isSound else { throw CommandFailure("inspect", file, "not all of it is sound", hint: "see `atoll check`") }
    }

    private static func line(_ row: Row) -> String {
        ([String(row.offset), row.what] + row.details).map(Terminal.escaped).joined(separator: "\t")
    }

    private static func row(_ piece: InspectedPiece) -> Row {
        let (what, details): (String, [String]) =
            switch piece.content {
            case .header(let words): ("header", words)
            case .frame(let entry):
                ("chunk", [entry.id.hex, "\(entry.rawLength) bytes", "\(entry.storedLength) stored", "\(entry.codec)"])
            case .footer: ("footer", [])
            case .unsound(let problem): ("unsound", [problem])
            case .record(let record): Self.record(record)
            }
        return Row(offset: piece.offset, what: what, details: details)
    }

    private static func record(_ record: LogRecord) -> (String, [String]) {
        let group = "\(record.group)"
        switch record.kind {
        case .entry(let index, let term, let payload):
            let kind = (try? RaftEntry(xdr: payload)).map { "\($0.kind)" } ?? "unreadable"
            return ("entry", [group, "\(index)/t\(term)", kind, "\(payload.count) bytes"])
        case .hardState(let bytes): return ("hard state", [group, (try? HardState(xdr: bytes)).map { "\($0)" } ?? "unreadable"])
        case .truncateFrom(let index): return ("truncate", [group, "from \(index)"])
        case .compactedThrough(let index, let term): return ("compacted", [group, "through \(index)/t\(term)"])
        case .groupRemoved: return ("group removed", [group])
        case .snapshot(let bytes): return ("snapshot", [group, (try? SnapshotMetadata(xdr: bytes)).map { "\($0)" } ?? "unreadable"])
        }
    }
}
