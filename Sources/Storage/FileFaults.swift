/// A call that is about to be made on the file system.
package enum FileOperation: Hashable, Sendable {
    case open(path: String)
    case read(path: String, offset: UInt64, count: Int)
    case write(path: String, offset: UInt64, count: Int)
    case sync(path: String)
    case truncate(path: String, length: UInt64)
    case rename(from: String, to: String)
    case remove(path: String)
    case syncDirectory(path: String)
}

/// What a fault does to a call.
package enum FileVerdict: Hashable, Sendable {
    case proceed
    /// The call fails with this errno, without effect.
    case fail(errno: Int32)
    /// A write stores only its first bytes, then fails.
    case tear(after: Int, errno: Int32)
}

/// The seam through which tests make disks full, failing or torn, and stop the world at a chosen
/// call: every call that Storage makes on its files asks here first. Without faults it costs one test
/// of a nil.
package struct FileFaults: Sendable {
    private let decide: (@Sendable (FileOperation) -> FileVerdict)?

    package static let none = FileFaults(decide: nil)

    private init(decide: (@Sendable (FileOperation) -> FileVerdict)?) { self.decide = decide }

    /// `decide` is called from any thread, before each call.
    package init(_ decide: @escaping @Sendable (FileOperation) -> FileVerdict) { self.decide = decide }

    var areActive: Bool { decide != nil }

    func verdict(_ operation: @autoclosure () -> FileOperation) -> FileVerdict {
        guard let decide else { return .proceed }
        return decide(operation())
    }

    /// Throws where the operation is made to fail.
    func check(_ name: String, _ path: String, _ operation: @autoclosure () -> FileOperation) throws(StorageError) {
        switch verdict(operation()) {
        case .proceed: return
        case .fail(let errno), .tear(_, let errno): throw SystemCall.error(name, path, errno)
        }
    }
}
