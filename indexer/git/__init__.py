"""Git: starting it, and reading its streams of commits, trees and blobs."""
