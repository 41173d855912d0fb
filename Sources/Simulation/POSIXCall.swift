package import Filesystem
import Primitives

/// One call of a program on a file system, by path. Opening, writing and closing count as one.
package struct POSIXCall: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        case create(String, exclusive: Bool)
        /// `length` bytes that `tag` tells from all others, at an offset or (nil) at the end.
        case write(String, at: Int?, length: Int, tag: UInt64)
        case read(String)
        case truncate(String, Int)
        case makeDirectory(String)
        case remove(String)
        case rename(String, String, noReplace: Bool)
        case link(String, String)
        case symlink(target: String, String)
        case readLink(String)
        case stat(String, follow: Bool)
        case list(String)
        case setMode(String, UInt32)
        case setModified(String, Int64)
        case setXattr(String, String, UInt64)
        case getXattr(String, String)
        case removeXattr(String, String)
        case listXattrs(String)
        /// Opens a file and keeps it open, until `release`: whatever becomes of its name.
        case hold(String, slot: Int)
        case readHeld(Int)
        case writeHeld(Int, at: Int, length: Int, tag: UInt64)
        case release(Int)
    }

    /// Which client asks.
    package var client: Int
    package var kind: Kind

    package var description: String { "c\(client) \(kind)" }

    /// What a write puts in.
    static func bytes(_ tag: UInt64, _ length: Int) -> [UInt8] {
        (0..<length).map { UInt8(truncatingIfNeeded: SeededGenerator.mix(tag &+ UInt64($0 / 8)) >> UInt64($0 % 8 * 8)) | 1 }
    }
}

/// What a call gave.
package enum POSIXAnswer: Hashable, Sendable, CustomStringConvertible {
    package struct Attributes: Hashable, Sendable {
        var type: FileType
        var mode: UInt32
        var links: UInt32
        /// Of directories not told: POSIX leaves it open.
        var size: Int?
        /// Only where a call has set it.
        var modified: Int64?
    }

    case done
    case bytes([UInt8])
    case names([String])
    case attributes(Attributes)
    case failed(FileFailure.Code)

    package var description: String {
        switch self {
        case .done: "done"
        case .bytes(let bytes): "\(bytes.count) bytes, hash \(bytes.reduce(UInt64(0)) { SeededGenerator.mix($0 ^ UInt64($1)) } % 10_000)"
        case .names(let names): "\(names)"
        case .attributes(let a):
            "\(a.type.word) \(String(a.mode, radix: 8)) links \(a.links) size \(a.size.map { "\($0)" } ?? "-") modified \(a.modified.map { "\($0)" } ?? "-")"
        case .failed(let code): code.word
        }
    }
}

/// What a call may give: where several rules refuse it, POSIX does not say which comes first.
package enum POSIXExpectation: Hashable, Sendable, CustomStringConvertible {
    case answer(POSIXAnswer)
    case failure([FileFailure.Code])

    func allows(_ answer: POSIXAnswer) -> Bool {
        switch (self, answer) {
        case (.answer(.attributes(let expected)), .attributes(var found)):
            if expected.modified == nil { found.modified = nil }
            return expected == found
        case (.answer(let expected), _): return expected == answer
        case (.failure(let codes), .failed(let code)): return codes.contains(code)
        case (.failure, _): return false
        }
    }

    package var description: String {
        switch self {
        case .answer(let answer): "\(answer)"
        case .failure(let codes): codes.map(\.word).joined(separator: " or ")
        }
    }
}
