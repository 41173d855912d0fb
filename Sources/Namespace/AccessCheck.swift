import Primitives

/// Permission bits as POSIX reads them, with root's override.
package enum Access: UInt32, Sendable, Hashable {
    case read = 4
    case write = 2
    case execute = 1
}

package enum AccessCheck {
    /// Whether the mode lets them. Root may do everything, but execute a file only where somebody may.
    package static func allows(_ access: Access, on inode: Inode, _ credentials: Credentials) -> Bool {
        if credentials.isRoot { return access != .execute || inode.isDirectory || inode.mode & 0o111 != 0 }
        let shift: UInt32 = credentials.user == inode.owner ? 6 : credentials.isMember(of: inode.group) ? 3 : 0
        return inode.mode >> shift & access.rawValue != 0
    }

    static func require(
        _ access: Access, on inode: Inode, _ credentials: Credentials, object: @autoclosure () -> String
    ) throws(NamespaceError) {
        guard allows(access, on: inode, credentials) else {
            throw NamespaceError(
                .accessDenied, object: object(),
                cause:
                    "mode \(String(inode.mode, radix: 8)) of owner \(inode.owner):\(inode.group) gives no \(access) access to user \(credentials.user)"
            )
        }
    }
}
