"""What comes of an answer? Its verdict, and the runs that judge many."""
