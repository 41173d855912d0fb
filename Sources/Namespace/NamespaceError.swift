package import Primitives

/// A refusal: what was asked, of what, why, and what to do next. A refused command changed nothing.
package struct NamespaceError: Error, Hashable, Sendable, CustomStringConvertible {
    package let errno: Errno
    /// What was asked, such as `rename`; empty until `apply` fills it in.
    package var operation: String
    /// Of what: an inode (`i5`), an entry (`i5/name`) or a path.
    package let object: String
    package let cause: String
    /// What to do next; empty where there is nothing to add.
    package let hint: String
    /// The paths in conflict, for a commit that was to find everything unchanged. At most 1,000.
    package let paths: [[UInt8]]

    package static let maximumPaths = 1_000

    package init(
        _ errno: Errno, operation: String = "", object: String, cause: String, hint: String = "", paths: [[UInt8]] = []
    ) {
        self.errno = errno
        self.operation = operation
        self.object = object
        self.cause = cause
        self.hint = hint
        self.paths = paths
    }

    package var description: String {
        "\(operation) \(object): \(errno.symbol): \(cause)" + (hint.isEmpty ? "" : "; \(hint)")
    }

    func during(_ operation: String) -> NamespaceError {
        var copy = self
        if copy.operation.isEmpty { copy.operation = operation }
        return copy
    }
}

extension NamespaceError: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(errno.rawValue)
        writer.write(operation)
        writer.write(object)
        writer.write(cause)
        writer.write(hint)
        writer.write(UInt32(paths.count))
        for path in paths { writer.write(opaque: path) }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        let raw = try reader.uint32()
        guard let errno = Errno(rawValue: raw) else { throw .badValue(what: "errno", value: UInt64(raw)) }
        let texts = (try reader.string(), try reader.string(), try reader.string(), try reader.string())
        var paths: [[UInt8]] = []
        for _ in 0..<(try reader.count(limit: Self.maximumPaths)) { paths.append(Array(try reader.opaque(limit: 65_536))) }
        self.init(errno, operation: texts.0, object: texts.1, cause: texts.2, hint: texts.3, paths: paths)
    }
}

/// A name as text for people; what is no UTF-8 is replaced, which is why it is never parsed.
func display(_ name: some Collection<UInt8>) -> String { String(decoding: name, as: UTF8.self) }
