package import Filesystem
package import Primitives

/// A row of `GET /v1/waits`: a request of the node that has waited for over a second.
package struct WaitReport: Sendable, Hashable, JSONEncodable {
    package var operation: String
    /// A path or an open file, and the file system by its name.
    package var object: String
    /// Nil for a change of the catalog.
    package var filesystem: FilesystemID?
    /// Nil while it is being opened.
    package var session: SessionID?
    /// In words, for people.
    package var waitsFor: String
    package var waitedSeconds: Double
    /// Until the request's deadline.
    package var leftSeconds: Double

    package init(
        operation: String, object: String, filesystem: FilesystemID?, session: SessionID?, waitsFor: String, waitedSeconds: Double,
        leftSeconds: Double
    ) {
        self.operation = operation
        self.object = object
        self.filesystem = filesystem
        self.session = session
        self.waitsFor = waitsFor
        self.waitedSeconds = waitedSeconds
        self.leftSeconds = leftSeconds
    }

    package func write(to writer: inout JSONWriter) {
        writer.object {
            $0.field("operation", operation)
            $0.field("object", object)
            $0.field("filesystem", filesystem?.description)
            $0.field("session", session.map { "\($0.rawValue)" })
            $0.field("waits_for", waitsFor)
            $0.field("waited_s", waitedSeconds)
            $0.field("left_s", leftSeconds)
        }
    }

    package init(json: JSON) throws(FileFailure) {
        self.init(
            operation: try json.string("operation"), object: try json.string("object"),
            filesystem: json["filesystem"]?.text.flatMap { FilesystemID($0) },
            session: json["session"]?.text.flatMap { UInt64($0) }.map { SessionID($0) }, waitsFor: try json.string("waits_for"),
            waitedSeconds: try json.real("waited_s"), leftSeconds: try json.real("left_s"))
    }
}
